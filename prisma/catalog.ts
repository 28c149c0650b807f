/**
 * The catalogue Hoshi starts with. Amounts are minor units: whole Stars for XTR, yen, cents for USD and EUR, tiyin for UZS,
 * satoshi for BTC, gwei for ETH. Ids are fixed, so that seeding again changes texts and adds rows but never doubles a price;
 * a price that was changed by hand stays.
 */
type Text = { name: string; description: string };
type PlanText = Text & { features: string[]; privacy: string[] };
type SeedPrice = {
  currency: 'XTR' | 'JPY' | 'USD' | 'EUR' | 'UZS' | 'BTC' | 'ETH';
  interval: 'once' | 'month' | 'year';
  amount: bigint;
};
export type SeedPlan = {
  code: string;
  rank: number;
  limits: Record<string, number>;
  prices: SeedPrice[];
  ja: PlanText;
  en: PlanText;
};
export type SeedProduct = { code: string; kind: 'plan_line' | 'plugin'; ja: Text; en: Text; plans: SeedPlan[] };

/** What a month and a year cost in one currency. */
const prices = (currency: SeedPrice['currency'], month: bigint, year: bigint): SeedPrice[] => [
  { currency, interval: 'month', amount: month },
  { currency, interval: 'year', amount: year },
];
const stars = (month: bigint, year: bigint) => prices('XTR', month, year);
const yen = (month: bigint, year: bigint) => prices('JPY', month, year);
/** Euros cost as much as dollars: the difference is smaller than its fees. */
const dollarsAndEuros = (month: bigint, year: bigint) => [...prices('USD', month, year), ...prices('EUR', month, year)];
/** In whole so'm. */
const som = (month: bigint, year: bigint) => prices('UZS', month * 100n, year * 100n);
const coins = (satoshi: bigint, gwei: bigint): SeedPrice[] => [
  { currency: 'BTC', interval: 'year', amount: satoshi },
  { currency: 'ETH', interval: 'year', amount: gwei },
];

const LOG_PRIVACY = {
  ja: ['お名前やユーザー名は保存しません', '広告にも分析にも使いません'],
  en: ['We do not keep your name or username', 'Never used for advertising or profiling'],
};

const PERSONAL_LOG: SeedProduct = {
  code: 'personal-log',
  kind: 'plan_line',
  ja: { name: 'パーソナルログ', description: '日々の記録を、ご自分だけのTelegramグループに残します。' },
  en: { name: 'Personal log', description: 'Your daily records, kept in a Telegram group that only you own.' },
  plans: [
    {
      code: 'personal-basic',
      rank: 1,
      limits: { topics: 3, history_days: 90 },
      prices: [...stars(50n, 500n), ...yen(150n, 1_500n), ...dollarsAndEuros(99n, 999n), ...som(12_000n, 120_000n)],
      ja: {
        name: 'ベーシック',
        description: 'トピック3つまで。90日分の記録をすぐに検索できます。',
        features: ['トピック3つ', '90日分を検索', '毎日のまとめ'],
        privacy: LOG_PRIVACY.ja,
      },
      en: {
        name: 'Basic',
        description: 'Three topics, and 90 days of records you can search at once.',
        features: ['3 topics', 'Search 90 days', 'A summary every day'],
        privacy: LOG_PRIVACY.en,
      },
    },
    {
      code: 'personal-pro',
      rank: 2,
      limits: { topics: 20, history_days: 1095 },
      prices: [
        ...stars(150n, 1500n),
        ...yen(480n, 4_800n),
        ...dollarsAndEuros(299n, 2_999n),
        ...som(36_000n, 360_000n),
      ],
      ja: {
        name: 'プロ',
        description: 'トピック20個まで。3年分の記録を検索し、ファイルも残せます。',
        features: ['トピック20個', '3年分を検索', 'ファイルの保存', '優先サポート'],
        privacy: [...LOG_PRIVACY.ja, '保存期間をご自分で決められます'],
      },
      en: {
        name: 'Pro',
        description: 'Twenty topics, three years of searchable records, and files.',
        features: ['20 topics', 'Search 3 years', 'Keep files', 'Priority support'],
        privacy: [...LOG_PRIVACY.en, 'You decide how long records are kept'],
      },
    },
    {
      code: 'personal-developer',
      rank: 3,
      limits: { topics: 100, history_days: 2555, api_calls_per_day: 10000 },
      prices: [
        ...stars(300n, 3000n),
        ...yen(980n, 9_800n),
        ...dollarsAndEuros(599n, 5_999n),
        ...som(72_000n, 720_000n),
      ],
      ja: {
        name: 'デベロッパー',
        description: 'すべての機能に加えて、APIと自動化を使えます。',
        features: ['トピック100個', '7年分を検索', 'API 1日1万回', '自動化'],
        privacy: [...LOG_PRIVACY.ja, '保存期間をご自分で決められます'],
      },
      en: {
        name: 'Developer',
        description: 'Everything in Pro, with the API and automation.',
        features: ['100 topics', 'Search 7 years', '10,000 API calls a day', 'Automation'],
        privacy: [...LOG_PRIVACY.en, 'You decide how long records are kept'],
      },
    },
  ],
};

const CHANNEL_PRIVACY = {
  ja: ['購読者の一覧は取得しません', '投稿の内容は送信後に消します'],
  en: ['We never fetch your subscribers', 'Posts are deleted from us once sent'],
};
const channelPlan = (
  code: string,
  rank: number,
  names: { ja: string; en: string },
  channels: number,
  posts: number,
  prices: SeedPrice[],
): SeedPlan => ({
  code,
  rank,
  limits: { channels, posts_per_month: posts },
  prices,
  ja: {
    name: names.ja,
    description: `チャンネル${channels}件、月${posts.toLocaleString('ja')}件までの投稿を予約できます。`,
    features: [
      `チャンネル${channels}件`,
      `投稿 月${posts.toLocaleString('ja')}件`,
      ...(rank > 0 ? ['予約投稿'] : []),
      ...(rank > 1 ? ['チームで編集'] : []),
    ],
    privacy: CHANNEL_PRIVACY.ja,
  },
  en: {
    name: names.en,
    description: `Schedule up to ${posts.toLocaleString('en')} posts a month in ${channels === 1 ? 'one channel' : `${channels} channels`}.`,
    features: [
      channels === 1 ? '1 channel' : `${channels} channels`,
      `${posts.toLocaleString('en')} posts a month`,
      ...(rank > 0 ? ['Scheduled posts'] : []),
      ...(rank > 1 ? ['Edit as a team'] : []),
    ],
    privacy: CHANNEL_PRIVACY.en,
  },
});

const CHANNELS: SeedProduct = {
  code: 'channels',
  kind: 'plan_line',
  ja: { name: 'チャンネル', description: 'Telegramチャンネルの投稿を、まとめて予約し管理します。' },
  en: { name: 'Channels', description: 'Plan and publish the posts of your Telegram channels.' },
  plans: [
    channelPlan('channels-free', 0, { ja: 'フリー', en: 'Free' }, 1, 10, []),
    channelPlan('channels-starter', 1, { ja: 'スターター', en: 'Starter' }, 1, 100, [
      ...stars(500n, 5_000n),
      ...yen(1_500n, 15_000n),
      ...dollarsAndEuros(999n, 9_999n),
      ...coins(100_000n, 28_500_000n),
      ...som(125_000n, 1_250_000n),
    ]),
    channelPlan('channels-pro', 2, { ja: 'プロ', en: 'Pro' }, 5, 500, [
      ...stars(1_500n, 15_000n),
      ...yen(4_500n, 45_000n),
      ...dollarsAndEuros(2_999n, 29_999n),
      ...coins(300_000n, 85_500_000n),
      ...som(375_000n, 3_750_000n),
    ]),
    channelPlan('channels-enterprise', 3, { ja: 'エンタープライズ', en: 'Enterprise' }, 20, 2_000, [
      ...stars(5_000n, 50_000n),
      ...yen(15_000n, 150_000n),
      ...dollarsAndEuros(9_999n, 99_999n),
      ...coins(1_000_000n, 285_000_000n),
      ...som(1_250_000n, 12_500_000n),
    ]),
  ],
};

/** What everyone starts with. */
export const PRODUCTS: ReadonlyArray<SeedProduct> = [PERSONAL_LOG, CHANNELS];

/** `cents` in dollars and euros; a coin's price of a plugin would be less than its network's fee. */
const plugin = (
  code: string,
  { cents, stars: amount, yen: jpy }: { stars: bigint; cents: bigint; yen: bigint },
  ja: PlanText,
  en: PlanText,
): SeedProduct => ({
  code,
  kind: 'plugin',
  ja: { name: ja.name, description: ja.description },
  en: { name: en.name, description: en.description },
  plans: [
    {
      code: `${code}-license`,
      rank: 1,
      limits: {},
      prices: [
        { currency: 'XTR', interval: 'once', amount },
        { currency: 'JPY', interval: 'once', amount: jpy },
        { currency: 'USD', interval: 'once', amount: cents },
        { currency: 'EUR', interval: 'once', amount: cents },
      ],
      ja,
      en,
    },
  ],
});

/** A small marketplace to try the revenue share on; only in the sandbox, where its developer exists. */
export const SANDBOX_PLUGINS: ReadonlyArray<SeedProduct> = [
  plugin(
    'plugin-weekly-review',
    { stars: 120n, cents: 199n, yen: 300n },
    {
      name: 'ウィークリーレビュー',
      description: '一週間の記録から、日曜の夜に振り返りを作ります。',
      features: ['毎週の振り返り', '質問は10種類'],
      privacy: ['記録は端末の外に出ません'],
    },
    {
      name: 'Weekly review',
      description: 'Turns your week of records into a review on Sunday evening.',
      features: ['A review each week', '10 sets of questions'],
      privacy: ['Records stay on your device'],
    },
  ),
  plugin(
    'plugin-voice-notes',
    { stars: 250n, cents: 399n, yen: 600n },
    {
      name: 'ボイスメモ変換',
      description: '音声メッセージを文章にして、記録に残します。',
      features: ['日本語と英語', '1回10分まで'],
      privacy: ['音声は変換後すぐに消します'],
    },
    {
      name: 'Voice notes',
      description: 'Writes your voice messages down and files them as records.',
      features: ['Japanese and English', 'Up to 10 minutes each'],
      privacy: ['Audio is deleted once written down'],
    },
  ),
  plugin(
    'plugin-habit-stars',
    { stars: 75n, cents: 129n, yen: 200n },
    {
      name: '習慣スター',
      description: '続けたい習慣を記録し、続いた日数を星で表します。',
      features: ['習慣は20個まで', '連続日数の表示'],
      privacy: ['集計は端末の中だけで行います'],
    },
    {
      name: 'Habit stars',
      description: 'Keeps track of your habits and draws a star for each day kept.',
      features: ['Up to 20 habits', 'Streaks at a glance'],
      privacy: ['Counted on your device only'],
    },
  ),
];
