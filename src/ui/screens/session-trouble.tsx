'use client';
import { Button } from '#ui/components/controls.tsx';
import { Notice, ProblemNotice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { type SessionTroubleState, useSession } from '#ui/session.tsx';
import { closeApp, openTelegramLink } from '#ui/telegram.ts';

/** Why nobody could be signed in, and the one way on. Reopening brings fresh launch data; nothing else does. */
export function SessionTrouble({ state }: { state: SessionTroubleState }) {
  const t = useT();
  const { retry, site } = useSession();
  const reopen = () => {
    openTelegramLink(`https://t.me/${site.botUsername}`);
    closeApp();
  };
  return (
    <main className="mx-auto max-w-xl px-4 py-6">
      <h1 className="sr-only">Hoshi</h1>
      {state.phase === 'failed' ? (
        <ProblemNotice problem={state.problem} onRetry={retry} />
      ) : (
        <Notice
          icon="telegram"
          role="alert"
          testId={state.phase === 'expired' ? 'session-expired' : 'no-launch-data'}
          title={t(`${state.phase}.title`)}
          text={t(`${state.phase}.text`)}
        >
          <Button onPress={reopen} look="filled" testId="reopen">
            {t('reopen')}
          </Button>
        </Notice>
      )}
    </main>
  );
}
