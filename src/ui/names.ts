type Named = Readonly<{ planName: string; productName: string }>;

/** "Pro · Personal log"; a plugin's only plan bears its product's name, which is then said once. Null for what has no name. */
export function fullName(sold: Named): string;
export function fullName(sold: Readonly<{ planName: string | null; productName: string | null }>): string | null;
export function fullName({ planName, productName }: { planName: string | null; productName: string | null }) {
  return planName === productName || productName === null ? planName : `${planName} · ${productName}`;
}
