/** The development token every part of Hoshi knows; it opens nothing outside the sandbox. */
const DEVELOPMENT_BOT_TOKEN = '7000000001:AAHoshiSandboxDevelopmentToken00000000';

/** Private Ed25519 seed (hex) with which the sandbox signs initData, in place of Telegram's own key. */
const INIT_DATA_SEED = '486f73686953616e64626f784564323535313953656564303030303030303031';

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
  /** Factor on all webhook retry delays (SANDBOX_RETRY_SCALE); 1 is Telegram's own schedule. */
  retryScale: number;
  /** Telegram waits 10 s for answerPreCheckoutQuery. */
  preCheckoutTimeoutMs: number;
  /** Idle time after which Telegram gives a webhook connection up. */
  webhookTimeoutMs: number;
  /** How long a clock move waits for its followers to ask again. */
  followerWaitMs: number;
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
    now: Date.now,
    say: () => undefined,
    ...given,
  };
}
