import { Agenda } from '../agenda.ts';
import { Clock } from '../clock.ts';
import type { SimState } from '../control.ts';
import { Faults } from '../faults.ts';
import { Hub } from '../hub.ts';
import type { SandboxOptions } from '../options.ts';
import { Store } from '../store.ts';
import { TrafficLog } from '../traffic.ts';
import { Chats } from './chats.ts';
import { Delivery } from './delivery.ts';
import { Files } from './files.ts';
import { Groups } from './groups.ts';
import { InitDataSigner } from './init-data.ts';
import { PaySheet } from './pay-sheet.ts';
import type { FileRecord } from './records.ts';
import { Stars } from './stars.ts';
import { Subscriptions } from './subscriptions.ts';
import { Updates } from './updates.ts';
import type { TUser } from './wire.ts';
import { presentUser, World } from './world.ts';

/** Events closer together than this happen at one stop of a long clock jump. */
const STEP_GATHER_MS = 3_600_000;
/** Stops of one jump; beyond, the rest happens at its end. */
const STEPS_LIMIT = 100;
/** How long a stop waits for the bot to take what happened there. */
const STEP_SETTLE_MS = 3_000;

/** The simulated Telegram: its parts, put together in the one place where all of them are known. */
export class Telegram {
  readonly options: SandboxOptions;
  readonly store: Store;
  readonly world: World;
  readonly clock: Clock;
  readonly agenda: Agenda;
  readonly hub: Hub;
  readonly traffic: TrafficLog;
  readonly faults: Faults;
  readonly delivery: Delivery;
  readonly updates: Updates;
  readonly chats: Chats;
  readonly groups: Groups;
  readonly files: Files;
  readonly stars: Stars;
  readonly subscriptions: Subscriptions;
  readonly paySheet: PaySheet;
  readonly signer: InitDataSigner;
  readonly botUser: TUser;
  /** Real time before which setWebhook answers 429. */
  nextSetWebhookAtMs = 0;
  /** The other simulated providers: each resolves when nothing of it is under way, or after `limitMs` of real time. */
  readonly settling: ((limitMs: number) => Promise<void>)[] = [];
  #moving: Promise<unknown> = Promise.resolve();

  constructor(options: SandboxOptions, executeReply: (contentType: string, body: string) => void) {
    this.options = options;
    this.botUser = {
      id: Number(options.botToken.split(':')[0]),
      is_bot: true,
      first_name: options.botName,
      username: options.botUsername,
    };
    this.signer = new InitDataSigner(options.botToken, options.initDataSeed);
    this.store = new Store(options.stateDir, options.say);
    this.world = new World(this.store);
    this.clock = new Clock(options.now);
    const nowMs = (): number => this.clock.nowMs();
    this.agenda = new Agenda(nowMs);
    this.hub = new Hub(
      () => this.readState(),
      () => this.world.users.size,
    );
    this.traffic = new TrafficLog(nowMs, (row) => {
      if (this.hub.isHeard) this.hub.send({ type: 'traffic', traffic: row() });
    });
    this.faults = new Faults((faults) => {
      this.world.settings.set('faults', faults);
      this.hub.stateChanged();
    });
    const { world, clock, agenda, hub, traffic, faults, botUser } = this;
    this.delivery = new Delivery({
      world,
      clock,
      agenda,
      traffic,
      retryScale: options.retryScale,
      timeoutMs: options.webhookTimeoutMs,
      executeReply,
      onGone: (update) => this.updates.onGone(update),
      stateChanged: hub.stateChanged,
    });
    this.updates = new Updates({ world, clock, faults, traffic, delivery: this.delivery });
    const { updates } = this;
    this.chats = new Chats({ world, clock, hub, updates, botUser });
    const { chats } = this;
    this.groups = new Groups({ world, clock, hub, updates, chats, botUser });
    this.files = new Files(options.stateDir, options.say);
    this.world.onFileDropped = (file) => this.#dropFile(file);
    this.stars = new Stars({ world, clock, hub, chats });
    const { stars } = this;
    this.subscriptions = new Subscriptions({ world, clock, agenda, updates, chats, stars });
    const { subscriptions } = this;
    const { preCheckoutTimeoutMs } = options;
    this.paySheet = new PaySheet({ world, clock, faults, updates, chats, stars, subscriptions, preCheckoutTimeoutMs });
  }

  /** Reads the kept state and goes on where the last run stopped. */
  wake(): void {
    this.store.load();
    this.world.wake();
    this.clock.restore(Number(this.world.settings.get('clock') ?? 0));
    this.faults.replace((this.world.settings.get('faults') ?? {}) as SimState['faults']);
    for (const message of this.world.messages.values()) {
      if (message.document !== undefined) this.#fileUses.set(message.document.file_id, message.document);
    }
    this.subscriptions.wake();
    this.delivery.wake();
    this.agenda.runDue();
  }

  readonly #fileUses = new Map<string, FileRecord>();

  addFile(file: FileRecord, bytes: Buffer): void {
    this.#fileUses.set(file.file_id, file);
    this.files.put(file, bytes);
  }

  findFile(fileId: string): FileRecord | undefined {
    return this.#fileUses.get(fileId);
  }

  #dropFile(file: FileRecord): void {
    this.#fileUses.delete(file.file_id);
    this.files.drop(file);
  }

  presentUser(userId: number): TUser {
    return presentUser(this.chats.getUser(userId));
  }

  /**
   * Moves the clock forward. A long jump stops at each event on its way (a renewal, a payment that runs out), so that the
   * application sees each at its own time; what falls due at the end happens only after the caller has its answer.
   */
  advance(seconds: number): Promise<void> {
    return this.#inTurn(async () => {
      const targetMs = this.clock.nowMs() + seconds * 1000;
      for (let step = 0; step < STEPS_LIMIT; step += 1) {
        const stopMs = this.agenda.nextStep(targetMs - 1, STEP_GATHER_MS);
        if (stopMs === null) break;
        await this.#moveTo(this.clock.offsetMs + Math.max(0, stopMs - this.clock.nowMs()));
        this.#happen();
        await Promise.all([
          this.delivery.settled(STEP_SETTLE_MS),
          ...this.settling.map((settled) => settled(STEP_SETTLE_MS)),
        ]);
      }
      await this.#moveTo(this.clock.offsetMs + Math.max(0, targetMs - this.clock.nowMs()));
      setImmediate(() => this.#happen());
    });
  }

  /** Back to real time. */
  resetClock(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#moveTo(0);
      setImmediate(() => this.#happen());
    });
  }

  async #moveTo(offsetMs: number): Promise<void> {
    this.agenda.hold();
    this.world.settings.set('clock', offsetMs);
    await this.clock.moveTo(offsetMs, this.options.followerWaitMs);
    this.hub.stateChanged();
  }

  #happen(): void {
    this.agenda.runDue();
    this.delivery.clockMoved();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#moving.then(work);
    this.#moving = turn.catch(() => undefined);
    return turn;
  }

  /** As on the first day, clock included. */
  async reset(): Promise<void> {
    this.paySheet.close();
    this.agenda.clear();
    this.delivery.clear();
    this.world.reset();
    this.traffic.clear();
    this.faults.replace({});
    await this.resetClock();
    this.hub.stateChanged();
  }

  readState(): SimState {
    const { world, clock, botUser } = this;
    const { bot, webhook } = world;
    const menu = bot.menu_buttons['default'];
    return {
      nowMs: clock.nowMs(),
      clockOffsetMs: clock.offsetMs,
      bot: {
        id: botUser.id,
        username: botUser.username ?? '',
        first_name: bot.names[''] ?? botUser.first_name,
        ...(menu?.type === 'web_app' ? { menu_button: { text: menu.text, url: menu.web_app.url } } : {}),
        menu_buttons: ownMenuButtons(bot.menu_buttons),
        commands: bot.commands['default|'] ?? [],
        commands_by_language: commandsByLanguage(bot.commands),
        description: bot.descriptions[''] ?? '',
        descriptions_by_language: bot.descriptions,
        short_description: bot.short_descriptions[''] ?? '',
        star_balance: world.starBalance,
        has_topics_enabled: bot.has_topics_enabled,
        init_data_public_key: this.signer.publicKey,
      },
      webhook: {
        url: webhook.url,
        pending_update_count: world.updates.size,
        ...(webhook.last_error_message === undefined ? {} : { last_error_message: webhook.last_error_message }),
        ...(webhook.last_error_date === undefined ? {} : { last_error_date: webhook.last_error_date }),
      },
      users: [...world.users.values()],
      groups: this.groups.list(),
      faults: this.faults.current,
    };
  }

  async close(): Promise<void> {
    this.paySheet.close();
    this.updates.close();
    this.delivery.close();
    this.agenda.clear();
    this.hub.close();
    await this.store.close();
  }
}

type Menus = World['bot']['menu_buttons'];

function ownMenuButtons(menus: Menus): Record<string, { text: string; url: string }> {
  return Object.fromEntries(
    Object.entries(menus).flatMap(([key, menu]) =>
      key !== 'default' && menu.type === 'web_app' ? [[key, { text: menu.text, url: menu.web_app.url }]] : [],
    ),
  );
}

/** Lists of the default scope, and of private chats where there is one, which Telegram prefers. */
function commandsByLanguage(commands: World['bot']['commands']): World['bot']['commands'] {
  const found: World['bot']['commands'] = {};
  for (const scope of ['default', 'all_private_chats']) {
    for (const [key, list] of Object.entries(commands)) {
      const [keyScope, language = ''] = key.split('|');
      if (keyScope === scope && language !== '') found[language] = list;
    }
  }
  return found;
}
