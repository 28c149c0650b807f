/** An armoured text that a person takes along, with the name of its file. */
export type TextFile = Readonly<{ name: string; text: string }>;

/** Offers a text as a download. Phones' Telegram mostly ignores it and does not say so: it must not be the only way. */
export function downloadText({ name, text }: TextFile): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/pgp-keys' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then; without a pause some browsers find the address gone.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const shared = ({ name, text }: TextFile) => ({ files: [new File([text], name, { type: 'text/plain' })] });

/** Whether this client can hand a file to other apps. */
export function canShareText(file: TextFile): boolean {
  return typeof navigator.canShare === 'function' && navigator.canShare(shared(file));
}

/** Hands a text to another app that the person chooses. False when they chose none, or the client forbids it. */
export async function shareText(file: TextFile): Promise<boolean> {
  try {
    await navigator.share(shared(file));
    return true;
  } catch {
    // Told to the person by whoever asked: dismissed and forbidden look alike.
    return false;
  }
}
