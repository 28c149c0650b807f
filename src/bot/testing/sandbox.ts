import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

/** A button or message as the sandbox's control protocol shows it; only what the tests of the bot look at. */
export type SeenButton = {
  text: string;
  url?: string;
  callback_data?: string;
  web_app?: { url: string };
  copy_text?: { text: string };
};
export type SeenMessage = {
  message_id: number;
  edit_date?: number;
  from: 'user' | 'bot' | 'service';
  text?: string;
  entities?: Array<{ type: string; offset: number; length: number }>;
  invoice?: { slug: string; total_amount: number; title: string };
  inline_keyboard?: SeenButton[][];
  /** Empty: the keyboard was taken away. */
  reply_keyboard?: Array<Array<{ text: string; request_chat?: { request_id: number } & Record<string, unknown> }>>;
  forum_topic_created?: { name: string; icon_color: number };
};

/** A running Telegram sandbox, spoken to over HTTP only. */
export type TestSandbox = {
  url: string;
  /** Calls `/sim<path>`; throws with the sandbox's words when it refuses. */
  sim<Answer>(method: string, path: string, body?: unknown): Promise<Answer>;
  close(): Promise<void>;
};

const START_MS = 20_000;

/** Bundles and starts the sandbox as its own process on a free port, with nothing kept. */
export async function startTestSandbox(): Promise<TestSandbox> {
  const directory = await mkdtemp(join(tmpdir(), 'hoshi-sandbox-test-'));
  const bundle = join(directory, 'sandbox.mjs');
  await build({
    entryPoints: ['src/sandbox/main.ts'],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Some packages still ask for parts of Node in the old way, which a bundle of modules cannot do for them.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  const env = {
    ...process.env,
    SANDBOX_PORT: '0',
    SANDBOX_STATE_DIR: join(directory, 'state'),
    SANDBOX_CLIENT_DIR: directory,
  };
  const child = spawn(process.execPath, [bundle], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the sandbox did not start in time')), START_MS);
    child.stdout.on('data', (data: Buffer) => {
      const port = /localhost:(\d+)/.exec(data.toString())?.[1];
      if (!port) return;
      clearTimeout(timer);
      resolve(`http://127.0.0.1:${port}`);
    });
    child.once('exit', () => reject(new Error('the sandbox ended while starting')));
  });
  return {
    url,
    async sim<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
      const init =
        body === undefined
          ? { method }
          : { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      const response = await fetch(`${url}/sim${path}`, init);
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} /sim${path}: ${response.status} ${text}`);
      return JSON.parse(text) as Answer;
    },
    async close() {
      child.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
