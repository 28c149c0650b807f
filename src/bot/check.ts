import { loadEnv } from '#lib/env.ts';
import { makeApi } from './bot.ts';
import { checkBot } from './setup.ts';

/** Where Telegram sends its updates: the provider door of the Telegram Stars adapter. */
