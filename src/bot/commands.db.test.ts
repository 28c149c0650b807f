import { describe, expect, it } from 'vitest';
import { decodePress } from './callback.ts';
import { COMMANDS } from './setup.ts';
import { buttonOf, useStage } from './testing/stage.ts';

/** A word that each command's answer must hold, per language; the person has bought nothing yet. */
const ANSWERS = {
  start: { en: 'Welcome to Hoshi', ja: 'Hoshiへようこそ' },
  buy: { en: 'What would you like to buy?', ja: '何をお求めになりますか' },
  plans: { en: 'Pro: 150 ★ a month, 1,500 ★ a year (save 16%)', ja: 'プロ：月額 150 ★、年額 1,500 ★（16%お得）' },
  subscription: { en: 'You have no subscription.', ja: 'ご契約中のプランはありません。' },
  history: { en: 'You have not paid for anything yet.', ja: 'お支払いはまだありません。' },
  link: { en: 'https://t.me/hoshi_sandbox_bot', ja: 'https://t.me/hoshi_sandbox_bot' },
  log: { en: 'Where your payment records go', ja: 'お支払い記録の届け先' },
  settings: { en: 'Notices', ja: 'お知らせの設定' },
  language: { en: 'Which language', ja: 'どの言語' },
  help: { en: '/paysupport helps with a payment', ja: '/paysupport お支払いのご相談' },
  paysupport: { en: 'Write to: @hoshi_help', ja: '連絡先：@hoshi_help' },
  terms: { en: 'Hoshi’s operator sells you', ja: '販売者は、TelegramではなくHoshiの運営者' },
  privacy: { en: 'kept encrypted for 7 days', ja: '暗号化して7日間保存' },
} as const satisfies Record<(typeof COMMANDS)[number], { en: string; ja: string }>;

describe.each(['en', 'ja'] as const)('commands in %s', (language) => {
  const stage = useStage();

  it('answers every command of the menu, and /faq and /guides', async () => {
    const person = await stage.person(language);
    for (const command of COMMANDS) {
      const [answer, ...more] = await person.write(`/${command}`);
      expect(more, command).toEqual([]);
      expect(answer?.text, command).toContain(ANSWERS[command][language]);
      for (const button of (answer?.inline_keyboard ?? []).flat()) {
        const isUsable =
          button.url ??
          button.web_app ??
          button.copy_text ??
          (button.callback_data && decodePress(button.callback_data));
        expect(isUsable, `${command}: ${button.text}`).toBeTruthy();
      }
    }
    for (const page of ['faq', 'guides']) expect((await person.write(`/${page}`))[0]?.text).toBeTruthy();
  });

  it('says friendly what it cannot understand', async () => {
    const person = await stage.person(language);
    const [answer] = await person.write('hello <b>there</b> & you');
    expect(answer?.text).toContain('/help');
    const [help] = await person.press(answer as never, buttonOf(answer, /Help|ヘルプ/));
    expect(help?.message_id).toBe(answer?.message_id);
    expect(help?.text).toContain('/paysupport');
  });
});
