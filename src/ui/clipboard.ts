/** Copies a text. False where the client forbids it (tdlib/telegram-bot-api#320, tdesktop#29927). */
export async function copyToClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard in this client or not for a framed page: the caller offers the text for selecting.
    return false;
  }
}
