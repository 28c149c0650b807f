import { type CardKeeper, CardRefusal, postJson } from '#ui/methods/card.ts';

/*
 * Click's card tokens as a page may ask for one. Our server shows the code from the SMS to Click, with its signature.
 * src/providers/click/README.md lists the call.
 */

type Answer = Readonly<{ error_code?: unknown; card_token?: unknown; phone_number?: unknown }>;

/** Click sends no second code for a token: the card is sent again for one. */
const WAIT_MS = 0;

/** Stores a card with Click: a token for the card, and the code that goes with it to our server. */
export const click: CardKeeper = {
  async begin({ endpoint, publicId }, { number, expiry }) {
    const body = { service_id: Number(publicId), card_number: number, expire_date: expiry, temporary: 0 };
    const answer = (await postJson(endpoint, body, { accept: 'application/json' })) as Answer | null;
    const { card_token: token, error_code: code, phone_number: phone } = answer ?? {};
    // Click's answer says why in free text only.
    if (code !== undefined && code !== 0) throw new CardRefusal('refused');
    if (typeof token !== 'string' || token === '') throw new CardRefusal('unavailable');
    return { token, phone: typeof phone === 'string' ? phone : null, waitMs: WAIT_MS };
  },
  resend: null,
  finish: async (_, token, code) => ({ token, code }),
};
