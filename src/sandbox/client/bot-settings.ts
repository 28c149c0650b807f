import type { SimState, SimUser } from '../control.ts';

type Bot = SimState['bot'];

/** The menu button this user sees: set for them alone, else the common one. */
export function menuButtonOf(state: SimState, user: SimUser): Bot['menu_button'] {
  return state.bot.menu_buttons[user.id] ?? state.bot.menu_button;
}

/** The bot's commands in the user's app language, else the common ones. */
export function commandsOf(state: SimState, user: SimUser): Bot['commands'] {
  return state.bot.commands_by_language[user.language_code] ?? state.bot.commands;
}

/** What the bot says about itself in an empty chat; empty when it says nothing. */
export function descriptionOf(state: SimState, user: SimUser): string {
  return state.bot.descriptions_by_language[user.language_code] ?? state.bot.description;
}
