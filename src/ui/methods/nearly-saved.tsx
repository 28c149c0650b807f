'use client';
import { useEffect, useState } from 'react';
import type { OpenAddingView } from '#api/views.ts';
import { cardName } from '#ui/cards.ts';
import { Icon } from '#ui/components/icons.tsx';
import { MethodIcon } from '#ui/components/method-icon.tsx';
import { useT } from '#ui/i18n.tsx';
import { browserSecrets } from '#ui/methods/browser-secrets.ts';
import { confirmationLink } from '#ui/methods/confirmation.ts';
import { LateQrCode } from '#ui/pay/hand-over.tsx';
import { LinkButton, Sheet, Told } from '#ui/pay/sheet.tsx';

/** How often this page looks whether the card was confirmed on another device. */
const LOOK_EVERY_MS = 5_000;
/** From the width at which this is likely no phone, and Telegram on another device. */
const WIDE = '(min-width: 640px)';

/** The card was given here. Its owner confirms it in Telegram, by a link that only this browser can make. */
export function NearlySaved(props: {
  methodId: string;
  botUsername: string;
  card: NonNullable<OpenAddingView['card']>;
  onLook: () => void;
}) {
  const { botUsername, card, methodId, onLook } = props;
  const t = useT();
  const [isWide] = useState(() => window.matchMedia(WIDE).matches);
  const link = confirmationLink(botUsername, { methodId, secret: browserSecrets(methodId).secret });
  useWhileVisible(onLook);
  return (
    <Sheet>
      <Told
        sign={
          <span className="grid size-14 place-items-center rounded-full bg-tint text-link">
            <MethodIcon method="credit_card" className="size-6" />
          </span>
        }
        title={t('adding.nearly.title', { card: cardName(card) })}
        text={t('adding.nearly.text')}
      >
        <LinkButton href={link} testId="confirm-in-telegram">
          <Icon name="telegram" className="size-5" />
          {t('adding.nearly.open')}
        </LinkButton>
        <p className="text-note text-pretty text-hint">{t('adding.nearly.note')}</p>
      </Told>
      {isWide && (
        <div className="flex items-center gap-4 px-4 py-4" data-testid="confirm-qr">
          <div className="shrink-0">
            <LateQrCode text={link} label={t('adding.nearly.qr')} />
          </div>
          <p className="min-w-0 text-sub text-pretty text-hint">{t('adding.nearly.scan')}</p>
        </div>
      )}
    </Sheet>
  );
}

/** Calls `look` now and then while the page is seen, and when it is come back to. */
function useWhileVisible(look: () => void): void {
  useEffect(() => {
    const lookIfSeen = () => !document.hidden && look();
    const timer = setInterval(lookIfSeen, LOOK_EVERY_MS);
    document.addEventListener('visibilitychange', lookIfSeen);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', lookIfSeen);
    };
  }, [look]);
}
