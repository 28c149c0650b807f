/** A card that was given in a browser, and the secret of that browser: with both its owner confirms in Telegram that it is theirs. */
export type Confirmation = Readonly<{ methodId: string; secret: string }>;

/** Which a link into Telegram carries as its start parameter: 58 characters, of the 64 that any start parameter may have. */
export function confirmationLink(botUsername: string, { methodId, secret }: Confirmation): string {
  return `https://t.me/${botUsername}?startapp=card_${methodId}_${secret}`;
}

/** What such a start parameter names; null for any other. */
export function readConfirmation(startParam: string | null): Confirmation | null {
  const [, methodId, secret] = /^card_(pmt_[0-9a-z]{26})_([\w-]{22})$/.exec(startParam ?? '') ?? [];
  return methodId === undefined || secret === undefined ? null : { methodId, secret };
}
