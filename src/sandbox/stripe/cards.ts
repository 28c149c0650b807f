import type { StripeLanguage } from './texts.ts';

type Words = Readonly<Record<StripeLanguage, string>>;

export type Decline = { code: string; decline_code?: string; message: string };

/** What becomes of a refund of this card, or of its charge. */
export type Fate = 'disputed' | 'refund_pending' | 'refund_fails';

/** One of Stripe's published test cards: any future expiry, any code. */
export type TestCard = {
  number: string;
  brand: 'visa' | 'mastercard' | 'jcb';
  name: Words;
  decline?: Decline;
  /** `always`: asks in every payment. `until_saved`: not again once it was saved with the payer there. */
  challenge?: 'always' | 'until_saved';
  fate?: Fate;
};

const DECLINED = 'Your card was declined.';
export const GENERIC_DECLINE: Decline = { code: 'card_declined', decline_code: 'generic_decline', message: DECLINED };
export const AUTHENTICATION_FAILED: Decline = {
  code: 'payment_intent_authentication_failure',
  message: 'We are unable to authenticate your payment method. Please choose a different payment method and try again.',
};
export const AUTHENTICATION_REQUIRED: Decline = {
  code: 'authentication_required',
  decline_code: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
};
const NUMBER_WRONG: Decline = { code: 'incorrect_number', message: 'Your card number is incorrect.' };
const EXPIRY_WRONG: Decline = { code: 'invalid_expiry_year', message: "Your card's expiration year is invalid." };
const CODE_WRONG: Decline = { code: 'invalid_cvc', message: "Your card's security code is invalid." };

function declined(decline_code: string, message = DECLINED): Decline {
  return { code: 'card_declined', decline_code, message };
}

export const TEST_CARDS: readonly [TestCard, ...TestCard[]] = [
  { number: '4242424242424242', brand: 'visa', name: { ja: '成功', en: 'Succeeds' } },
  { number: '5555555555554444', brand: 'mastercard', name: { ja: '成功', en: 'Succeeds' } },
  { number: '3566002020360505', brand: 'jcb', name: { ja: '成功', en: 'Succeeds' } },
  {
    number: '4000002500003155',
    brand: 'visa',
    name: { ja: '3Dセキュア（保存後は不要）', en: '3-D Secure unless saved' },
    challenge: 'until_saved',
  },
  { number: '4000002760003184', brand: 'visa', name: { ja: '3Dセキュア', en: '3-D Secure' }, challenge: 'always' },
  { number: '4000000000000002', brand: 'visa', name: { ja: '拒否', en: 'Declined' }, decline: GENERIC_DECLINE },
  {
    number: '4000000000009995',
    brand: 'visa',
    name: { ja: '残高不足', en: 'Insufficient funds' },
    decline: declined('insufficient_funds', 'Your card has insufficient funds.'),
  },
  { number: '4000000000009987', brand: 'visa', name: { ja: '紛失', en: 'Lost' }, decline: declined('lost_card') },
  {
    number: '4000000000000069',
    brand: 'visa',
    name: { ja: '期限切れ', en: 'Expired' },
    decline: { code: 'expired_card', message: 'Your card has expired.' },
  },
  {
    number: '4000000000000127',
    brand: 'visa',
    name: { ja: 'セキュリティコード誤り', en: 'Wrong CVC' },
    decline: { code: 'incorrect_cvc', message: "Your card's security code is incorrect." },
  },
  { number: '4000000000000259', brand: 'visa', name: { ja: '後で不審請求', en: 'Disputed later' }, fate: 'disputed' },
  {
    number: '4000000000007726',
    brand: 'visa',
    name: { ja: '返金は後で成立', en: 'Refund pends, then succeeds' },
    fate: 'refund_pending',
  },
  {
    number: '4000000000005126',
    brand: 'visa',
    name: { ja: '返金は後で失敗', en: 'Refund succeeds, then fails' },
    fate: 'refund_fails',
  },
];

export const DEFAULT_CARD = TEST_CARDS[0].number;

/** The test card with this number, however it is grouped; undefined for every other number. */
export function findCard(number: string): TestCard | undefined {
  const digits = number.replace(/\D/g, '');
  return TEST_CARDS.find((card) => card.number === digits);
}

/** `4242 4242 4242 4242` */
export function groupCard(number: string): string {
  return number.replace(/(.{4})(?=.)/g, '$1 ');
}

export type CardForm = { number: string; expiry: string; cvc: string };

/** What the form says before any bank is asked. `expiry` is `MM/YY`. */
export function judgeCardForm(form: CardForm, nowMs: number): { card: TestCard } | { problem: Decline } {
  const card = findCard(form.number);
  if (card === undefined) return { problem: NUMBER_WRONG };
  const expiry = /^(0[1-9]|1[0-2])\s*\/?\s*(\d{2})$/.exec(form.expiry.trim());
  const end = expiry === null ? 0 : Date.UTC(2000 + Number(expiry[2]), Number(expiry[1]), 1);
  if (end <= nowMs) return { problem: EXPIRY_WRONG };
  return /^\d{3,4}$/.test(form.cvc.trim()) ? { card } : { problem: CODE_WRONG };
}
