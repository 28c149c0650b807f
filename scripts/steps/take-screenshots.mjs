import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findChromium } from './chromium.mjs';
import { installPackages } from './install.mjs';
import { enterProject, logsDirectory } from './project.mjs';
import { bold, reportFailure, StepError, step } from './report.mjs';

const PORT = 3102;
const SANDBOX_PORT = 8182;
const STATE = '.hoshi/screenshots';
/** The sandbox's public API key. */
const API_KEY = 'hoshi_sandbox_api_key_do_not_use_live';
const FOLDER = 'docs/screenshots';
const DESK = `http://localhost:${SANDBOX_PORT}`;
/** Who buys, by the language they read. Hana is in every fresh sandbox; its Alex is a seller, so Emma comes to buy. */
const READERS = { en: 7_000_000_201, ja: 7_000_000_101 };
const EMMA = { id: READERS.en, first_name: 'Emma', language_code: 'en', balance: 2_500 };
const LOOKS = [
  { language: 'en', theme: 'light' },
  { language: 'ja', theme: 'dark' },
];
/** All pictures show this time of day. */
const TIME_OF_DAY_MS = (9 * 60 + 41) * 60_000;
const DAY_MS = 86_400_000;

/** Starts a Hoshi of its own beside whatever runs, takes the pictures in both languages and palettes, and stops it. */
export async function takeScreenshots() {
  enterProject();
  console.log(`\n${bold('Hoshi screenshots')}\n`);
  let hoshi;
  try {
    await step('Packages', () => installPackages({ logFile: join(logsDirectory(), 'npm-ci.log') }));
    const chromium = await step('Chromium', () => findChromium({ logs: logsDirectory() }));
    rmSync(STATE, { recursive: true, force: true });
    hoshi = await step('Hoshi', startHoshi);
    await step('Scene', setTheScene);
    const { chromium: engine } = await import('@playwright/test');
    const browser = await engine.launch({
      executablePath: chromium.path,
      args: ['--disable-background-networking', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
    });
    mkdirSync(FOLDER, { recursive: true });
    try {
      for (const look of LOOKS) await step(`Pictures, ${look.language} ${look.theme}`, () => takeAll(browser, look));
    } finally {
      await browser.close();
    }
  } catch (error) {
    reportFailure('Screenshots', error);
    process.exitCode = 1;
  } finally {
    await hoshi?.stop();
  }
}

/** `npm start` with ports and state of its own. */
async function startHoshi() {
  const child = spawn(process.execPath, ['scripts/start.mjs'], {
    env: {
      ...process.env,
      PORT: String(PORT),
      SANDBOX_PORT: String(SANDBOX_PORT),
      HOSHI_STATE_DIR: STATE,
      HOSHI_SANDBOX: 'true',
      PUBLIC_URL: '',
      DATABASE_URL: '',
      TELEGRAM_BOT_TOKEN: '',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let output = '';
  const isReady = await Promise.race([
    new Promise((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (chunk) => {
          output += chunk;
          if (output.includes('Hoshi is running')) resolve(true);
        });
      }
    }),
    exited.then(() => false),
  ]);
  if (!isReady) throw new StepError(`it did not start:\n${output}`, 'npm start says what is missing.');
  return {
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Emma, and forward to the next 9:41, so that no picture depends on when it was taken. */
async function setTheScene() {
  const now = Date.now();
  const ahead = (TIME_OF_DAY_MS - (now % DAY_MS) + DAY_MS) % DAY_MS;
  await ask('/sim/users', EMMA);
  await ask('/sim/clock', { advance_seconds: Math.floor(ahead / 1000) });
}

async function ask(path, body) {
  const response = await fetch(DESK + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
}

/** One purchase from the empty chat to the subscription, with a picture at each station. */
async function takeAll(browser, { language, theme }) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    deviceScaleFactor: 1.5,
    colorScheme: theme,
    reducedMotion: 'reduce',
    locale: language,
    timezoneId: 'UTC',
  });
  const page = await context.newPage();
  const app = page.frameLocator('[data-testid="miniapp-frame"]');
  const phone = page.getByTestId('phone');
  const main = page.getByTestId('main-button');
  const files = [];
  const take = async (name, what = phone) => {
    const path = join(FOLDER, name);
    await what.screenshot({ path, animations: 'disabled', scale: what === page ? 'css' : 'device' });
    files.push(path);
  };
  const named = (name) => `${name}-${language}-${theme}.png`;
  const back = () => page.getByTestId('miniapp-back').click();
  /** A new screen's own button, not the one of the screen before. */
  const pressMain = async (says) => {
    await main.filter({ hasText: says }).click();
  };

  await page.goto(`${DESK}/?user=${READERS[language]}&theme=${theme}&lang=${language}`);
  await page.getByTestId('menu-button').click();
  await app.getByTestId('plan-card-personal-pro').waitFor();
  await take(language === 'en' ? 'sandbox.png' : named('sandbox'), page);
  await take(named('plans'));
  await app.getByTestId('plan-card-personal-pro').click();
  await pressMain('150');
  await app.getByTestId('checkout-bar').waitFor();
  await take(named('checkout'));
  await pressMain(language === 'en' ? 'Pay' : '支払う');
  await page.locator('[data-testid="pay-confirm"]:enabled').waitFor();
  await take(named('pay-sheet'));
  await page.getByTestId('pay-confirm').click();
  await app.getByTestId('success').waitFor();
  await page.getByTestId('pay-sheet').waitFor({ state: 'detached' });
  await main.waitFor();
  await take(named('success'));
  await app.getByTestId('success-receipt').click();
  await app.getByTestId('receipt').waitFor();
  await take(named('receipt'));
  await back();
  await main.click();
  await app.getByTestId('way-plugins').waitFor();
  await buyPlugin({ app, main, page });
  await app.getByTestId('way-history').click();
  await app
    .getByTestId(/^history-row-/)
    .nth(1)
    .waitFor();
  await take(named('history'));
  await back();
  await app.getByTestId('way-subscriptions').click();
  await app.getByTestId(/^subscription-row-/).click();
  await app.getByTestId('subscription-cancel').waitFor();
  await take(named('subscription'));
  await page.getByTestId('miniapp-close').click();
  await page.getByTestId('composer-input').fill('/subscription');
  await page.getByTestId('composer-send').click();
  await page
    .getByTestId('chat')
    .getByRole('button', { name: language === 'en' ? /^Cancel / : /を解約$/ })
    .waitFor();
  await take(named('chat'));
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${await orderInDollars(READERS[language])}?lang=${language}`);
  await page.getByTestId('way-btcpay-cryptocurrency').waitFor();
  // The whole page; its button stays below the window's end.
  await page.setViewportSize({ width: 390, height: await page.evaluate(() => document.documentElement.scrollHeight) });
  await take(named('browser-checkout'), page.locator('body'));
  await context.close();
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  return { note: `${files.length} files, ${Math.round(bytes / 1024)} KiB` };
}

/** An order that another program makes. @returns the address of its page, where every rail takes dollars. */
async function orderInDollars(telegramId) {
  const response = await fetch(`http://localhost:${PORT}/api/v1/payments/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': API_KEY },
    body: JSON.stringify({
      customer_telegram_id: telegramId,
      item_id: 'channels-starter',
      amount: 999,
      currency: 'USD',
      payment_method: 'credit_card',
    }),
  });
  if (!response.ok) throw new Error(`the order was answered ${response.status}: ${await response.text()}`);
  return (await response.json()).checkout_url;
}

/** A second purchase, so that the history has more than one row. */
async function buyPlugin({ app, main, page }) {
  await app.getByTestId('way-plugins').click();
  await app.getByTestId('plan-card-plugin-habit-stars-license').click();
  await main.filter({ hasText: '75' }).click();
  await app.getByTestId('checkout-bar').waitFor();
  await main.filter({ hasText: /Pay|支払う/ }).click();
  await page.locator('[data-testid="pay-confirm"]:enabled').click();
  await app.getByTestId('success').waitFor();
  await page.getByTestId('pay-sheet').waitFor({ state: 'detached' });
  await main.click();
  await app.getByTestId('way-history').waitFor();
}
