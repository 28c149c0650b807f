import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SimMessage, SimPayForm, SimPayResult, SimState, SimSubscription } from './control.ts';
import { readBody } from './http.ts';
import { completeOptions, type SandboxOptions } from './options.ts';
import { type Sandbox, startSandbox } from './start.ts';

const DEADLINE_MS = 8_000;

export const HANA = 7_000_000_101;
export const ALEX = 7_000_000_102;
export const DILNOZA = 7_000_000_103;
export const IVAN = 7_000_000_104;
export const DAY = 86_400;
export const MONTH = 2_592_000;

// biome-ignore lint/suspicious/noExplicitAny: updates are read by many tests, each of which knows their shape.
export type Update = { update_id: number } & Record<string, any>;
export type Delivery = { update: Update; headers: IncomingHttpHeaders; atMs: number };
export type Answer = { status?: number; headers?: Record<string, string>; body?: unknown };
export type ApiAnswer = {
  status: number;
  headers: Headers;
  ok: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: as above, for results of the Bot API.
  result: any;
  description?: string;
  error_code?: number;
  parameters?: { retry_after: number };
};

/** A bot's web server: keeps what is delivered and answers as the test says. */
export class TestBot {
  readonly deliveries: Delivery[] = [];
  /** What to answer; 200 without a body unless the test changes it. */
  answer: (update: Update, count: number) => Answer | Promise<Answer> = () => ({});
  readonly #server: Server;
  readonly #waiters = new Set<() => void>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(port = 0): Promise<TestBot> {
    let bot: TestBot | undefined;
    const server = createServer((request, response) => {
      void readBody(request, 1_000_000).then(async (body) => {
        const update = JSON.parse(body.toString()) as Update;
        bot?.deliveries.push({ update, headers: request.headers, atMs: performance.now() });
        const answer = (await bot?.answer(update, bot.deliveries.length)) ?? {};
        response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
        response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
        bot?.wake();
      });
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    bot = new TestBot(server);
    return bot;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/webhook`;
  }

  /** Updates of one type, in the order of their arrival. */
  of(type: string): Update[] {
    return this.deliveries.map(({ update }) => update).filter((update) => update[type] !== undefined);
  }

  /** Messages with this content, in the order of their arrival. */
  messages(content: string): Update[] {
    return this.of('message').filter((update) => update['message'][content] !== undefined);
  }

  /** Waits until `find` finds something among what was delivered. */
  until<T>(what: string, find: (bot: TestBot) => T | undefined | false): Promise<T> {
    return until(what, () => find(this), this.#waiters);
  }

  private wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Asks again whenever `waiters` are woken, and now and then besides; fails after the deadline. */
function until<T>(what: string, find: () => T | undefined | false, waiters: Set<() => void>): Promise<T> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const found = find();
      if (found === undefined || found === false) return;
      finish();
      resolve(found);
    };
    const timer = setTimeout(() => {
      finish();
      reject(new Error(`waited in vain for ${what}`));
    }, DEADLINE_MS);
    const finish = (): void => {
      clearTimeout(timer);
      waiters.delete(look);
    };
    waiters.add(look);
    look();
  });
}

/** A sandbox on a free port, a bot, and short ways to speak to both doors. */
export class Bench {
  sandbox: Sandbox;
  bot: TestBot;
  readonly options: Partial<SandboxOptions>;

  private constructor(sandbox: Sandbox, bot: TestBot, options: Partial<SandboxOptions>) {
    this.sandbox = sandbox;
    this.bot = bot;
    this.options = options;
  }

  static async start(options: Partial<SandboxOptions> = {}): Promise<Bench> {
    const all = {
      port: 0,
      stateDir: null,
      clientDir: 'not-built',
      retryScale: 0.005,
      followerWaitMs: 200,
      ...options,
    };
    const bench = new Bench(await startSandbox(all), await TestBot.start(), all);
    return bench;
  }

  /** Stops the sandbox and starts it again on the same state. */
  async restart(): Promise<void> {
    await this.sandbox.close();
    this.sandbox = await startSandbox(this.options);
  }

  async setWebhook(args: Record<string, unknown> = {}): Promise<void> {
    await this.api('setWebhook', { url: this.bot.url, ...args });
  }

  async api(method: string, args: Record<string, unknown> = {}): Promise<ApiAnswer> {
    const { botToken } = completeOptions({});
    const response = await fetch(`${this.sandbox.url}/bot${botToken}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(args),
    });
    return { status: response.status, headers: response.headers, ...((await response.json()) as object) } as ApiAnswer;
  }

  /** A control request; the answer must be a success. */
  async sim<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { status, content } = await this.trySim<T>(method, path, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(content)}`);
    return content;
  }

  async trySim<T>(method: string, path: string, body?: unknown): Promise<{ status: number; content: T }> {
    const response = await fetch(`${this.sandbox.url}/sim${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return { status: response.status, content: (await response.json()) as T };
  }

  state(): Promise<SimState> {
    return this.sim('GET', '/state');
  }

  say(userId: number, text: string): Promise<SimMessage> {
    return this.sim('POST', `/chats/${userId}/text`, { text });
  }

  /** Asks again until `find` finds something. */
  async until<T>(find: () => Promise<T | undefined | false>): Promise<T> {
    for (;;) {
      const found = await find();
      if (found !== undefined && found !== false) return found;
    }
  }

  advance(seconds: number): Promise<void> {
    return this.sim('POST', '/clock', { advance_seconds: seconds });
  }

  subscriptions(userId: number): Promise<SimSubscription[]> {
    return this.sim('GET', `/users/${userId}/subscriptions`);
  }

  /** Makes a link and returns its slug. */
  async link(args: Record<string, unknown> = {}): Promise<string> {
    const { result } = await this.api('createInvoiceLink', { ...INVOICE, ...args });
    return String(result).replace('https://t.me/$', '');
  }

  openForm(slug: string, userId: number): Promise<SimPayForm> {
    return this.sim('POST', `/invoices/${slug}/form`, { user_id: userId });
  }

  submit(slug: string, userId: number, formId: string): Promise<SimPayResult> {
    return this.sim('POST', `/invoices/${slug}/pay`, { user_id: userId, form_id: formId });
  }

  /** Opens the sheet and pays. */
  async pay(slug: string, userId: number): Promise<SimPayResult> {
    return await this.submit(slug, userId, (await this.openForm(slug, userId)).form_id);
  }

  /** The bot agrees to every payment, in its webhook answer. */
  agree(): void {
    this.bot.answer = (update) => {
      const id: unknown = update['pre_checkout_query']?.id;
      if (id === undefined) return {};
      return { body: { method: 'answerPreCheckoutQuery', pre_checkout_query_id: id, ok: true } };
    };
  }

  async close(): Promise<void> {
    await this.sandbox.close();
    await this.bot.close();
  }
}

export const INVOICE = {
  title: 'Plan',
  description: 'A plan for a month',
  payload: 'order-1',
  currency: 'XTR',
  prices: [{ label: 'Plan', amount: 150 }],
};
