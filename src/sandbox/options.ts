/** The development token every part of Hoshi knows; it opens nothing outside the sandbox. */
const DEVELOPMENT_BOT_TOKEN = '7000000001:AAHoshiSandboxDevelopmentToken00000000';

/** Private Ed25519 seed (hex) with which the sandbox signs initData, in place of Telegram's own key. */
const INIT_DATA_SEED = '486f73686953616e64626f784564323535313953656564303030303030303031';

/** Public development values of Payme, Click and Stripe; they open nothing outside the sandbox. */
const DEVELOPMENT_PROVIDERS = {
  paymeMerchantId: '686f7368692d73616e64626f',
  paymeKey: 'HoshiSandboxPaymeKey0000000000000000',
  clickServiceId: '90001',
  clickMerchantId: '90002',
  clickMerchantUserId: '90003',
  clickSecretKey: 'HoshiSandboxClickSecret',
  stripeSecretKey: 'sk_test_HoshiSandboxStripe0000000000',
  stripeWebhookSecret: 'whsec_HoshiSandboxStripeSecret0000',
};

/** Public development values of Crypto Pay and BTCPay; they open nothing outside the sandbox. */
const DEVELOPMENT_CRYPTO = {
  cryptoPayToken: '90004:AAHoshiSandboxCryptoPayToken00000',
  btcpayStoreId: 'HoshiSandboxStore00000000000000000000000000000',
  btcpayApiKey: 'HoshiSandboxBtcpayApiKey0000000000000000',
  btcpayWebhookSecret: 'HoshiSandboxBtcpayWebhookSecret',
};

/** Every setting of a sandbox. Real-time lengths are in milliseconds and do not follow the sandbox clock. */
export type SandboxOptions = {
  /** 0 picks a free port. */
  port: number;
  /** Where state lives; null keeps everything in memory. */
  stateDir: string | null;
  botToken: string;
  botUsername: string;
  botName: string;
  initDataSeed: string;
  /** Directory of the browser client's bundle. */
  clientDir: string;
  /** Factor on all retry delays (SANDBOX_RETRY_SCALE); 1 is the providers' own schedule. */
  retryScale: number;
  /** Telegram waits 10 s for answerPreCheckoutQuery. */
  preCheckoutTimeoutMs: number;
  /** Idle time after which Telegram gives a webhook connection up. */
  webhookTimeoutMs: number;
  /** How long a clock move waits for its followers to ask again. */
  followerWaitMs: number;
  /** Where the application answers; the payment providers call its webhooks below. */
  appUrl: string;
  /** The cash register: 24 hex digits. */
  paymeMerchantId: string;
  /** Its key, 36 characters. */
  paymeKey: string;
  clickServiceId: string;
  clickMerchantId: string;
  clickMerchantUserId: string;
  clickSecretKey: string;
  /** Click's ids begin above 2^53, as the bigint of its specification allows. */
  clickLargeIds: boolean;
  /** How far the timestamp of Click's Auth header may be from the sandbox clock. */
  clickAuthSkewSeconds: number;
  /** With which the application calls Stripe's API. */
  stripeSecretKey: string;
  /** With which Stripe signs its events. */
  stripeWebhookSecret: string;
  /** How long Checkout keeps the payer until the application answered `checkout.session.completed`. */
  stripeAnswerMs: number;
  /** `<app id>:<secret>`. */
  cryptoPayToken: string;
  btcpayStoreId: string;
  btcpayApiKey: string;
  /** Of the webhook that the store has from the beginning. */
  btcpayWebhookSecret: string;
  /** How long the payment providers wait for an answer of the application. */
  providerTimeoutMs: number;
  /** The real clock, replaceable in tests. */
  now: () => number;
  /** Where plain words for the person at the terminal go. */
  say: (line: string) => void;
};

/** Fills in what was not given. */
export function completeOptions(given: Partial<SandboxOptions>): SandboxOptions {
  return {
    port: 8081,
    stateDir: null,
    botToken: DEVELOPMENT_BOT_TOKEN,
    botUsername: 'hoshi_sandbox_bot',
    botName: 'Hoshi',
    initDataSeed: INIT_DATA_SEED,
    clientDir: 'dist/sandbox',
    retryScale: 1,
    preCheckoutTimeoutMs: 10_000,
    webhookTimeoutMs: 60_000,
    followerWaitMs: 1_000,
    appUrl: 'http://localhost:3000',
    ...DEVELOPMENT_PROVIDERS,
    ...DEVELOPMENT_CRYPTO,
    clickLargeIds: false,
    clickAuthSkewSeconds: 600,
    stripeAnswerMs: 10_000,
    providerTimeoutMs: 20_000,
    now: Date.now,
    say: () => undefined,
    ...given,
  };
}
