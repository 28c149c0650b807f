import { Composer } from 'grammy';
import { changeSettings } from '#domain/identity/change-settings.ts';
import { LANGUAGES } from '#domain/identity/rules.ts';
import { translator } from '#messages/translate.ts';
import { type BotContext, onPress, type View } from '../context.ts';
import { openButton, pressButton } from '../render.ts';
import { setMenuButton } from './start.ts';
import { visitorOf } from './visitor.ts';

/** The language of the chat, the notices and the app. It changes at once, in the same message. */
export const language = new Composer<BotContext>();

language.command('language', async (context) => context.tell(chooseView(context)));
onPress(language, 'languages', async (context) => context.show(chooseView(context)));

onPress(language, 'language', async (context, { args: [chosen] }) => {
  const { user, ctx } = context.visitor;
  context.visitor = visitorOf(context.system, await changeSettings(ctx, { userId: user.id, language: chosen }));
  const { say, t } = context.visitor;
  await context.show({
    text: say('bot.language.chosen'),
    buttons: [
      [openButton(context.place, chosen), pressButton(t('bot.button.buy'), 'buy')],
      [pressButton(t('bot.button.help'), 'help', 'menu')],
    ],
  });
  await setMenuButton(context);
});

function chooseView(context: BotContext): View {
  const choices = LANGUAGES.map((choice) => pressButton(translator(choice)('common.languageName'), 'language', choice));
  return { text: context.visitor.say('bot.language.choose'), buttons: [choices] };
}
