/** "Pro · Personal log"; a plugin's only plan bears its product's name, which is then said once. */
export function fullName(sold: { planName: string; productName: string }): string {
  return sold.planName === sold.productName ? sold.planName : `${sold.planName} · ${sold.productName}`;
}
