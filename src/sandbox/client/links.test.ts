import { describe, expect, it } from 'vitest';
import { type LinkTarget, readLink } from './links.ts';

const cases: ReadonlyArray<readonly [string, LinkTarget]> = [
  ['https://t.me/$AbC-_=9', { kind: 'invoice', slug: 'AbC-_=9' }],
  ['https://telegram.me/$AbC', { kind: 'invoice', slug: 'AbC' }],
  ['https://t.me/invoice/AbC', { kind: 'invoice', slug: 'AbC' }],
  ['tg://invoice?slug=AbC', { kind: 'invoice', slug: 'AbC' }],
  ['https://t.me/$a%2Fb', { kind: 'refused' }],
  ['https://t.me/%E0%A4%A', { kind: 'refused' }],
  ['https://t.me/Hoshi_Bot?start=x1', { kind: 'start', payload: 'x1' }],
  ['https://t.me/hoshi_bot', { kind: 'start', payload: '' }],
  ['https://t.me/hoshi_bot?startapp=plans', { kind: 'start_app', startParam: 'plans' }],
  ['https://t.me/hoshi_bot/app', { kind: 'start_app', startParam: '' }],
  ['https://t.me/hoshi_bot/app?startapp=x', { kind: 'start_app', startParam: 'x' }],
  ['tg://resolve?domain=hoshi_bot&start=y', { kind: 'start', payload: 'y' }],
  ['tg://resolve?domain=other_bot&start=y', { kind: 'refused' }],
  ['tg://stars_topup?balance=300&purpose=subs', { kind: 'top_up', balance: 300 }],
  ['tg://stars_topup?balance=-3', { kind: 'top_up', balance: 0 }],
  ['https://t.me/durov', { kind: 'external', url: 'https://t.me/durov' }],
  ['http://localhost:3000/receipt/1', { kind: 'external', url: 'http://localhost:3000/receipt/1' }],
  ['javascript:alert(1)', { kind: 'refused' }],
  ['data:text/html,x', { kind: 'refused' }],
  ['file:///etc/passwd', { kind: 'refused' }],
  ['no link', { kind: 'refused' }],
];

describe('what a link does in the client', () => {
  it.each(cases)('%s', (url, target) => {
    expect(readLink(url, 'hoshi_bot')).toEqual(target);
  });
});
