'use client';
import { useEffect, useState } from 'react';
import type { CheckoutPreview, MethodView, StoredMethodView } from '#api/views.ts';
import { cardName } from '#ui/cards.ts';
import { Button } from '#ui/components/controls.tsx';
import { useAsk } from '#ui/components/dialog.tsx';
import { Icon } from '#ui/components/icons.tsx';
import { Money } from '#ui/components/money.tsx';
import { PrimaryAction } from '#ui/components/primary-action.tsx';
import { PrivacyLevelCard } from '#ui/components/privacy-level.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, Section } from '#ui/components/section.tsx';
import { DetailSkeleton } from '#ui/components/skeletons.tsx';
import { SplitBar } from '#ui/components/split-bar.tsx';
import { Loaded, Notice, ProblemNotice, useCountdown, useIsOnline } from '#ui/components/states.tsx';
import { WayList } from '#ui/components/way-list.tsx';
import { useT } from '#ui/i18n.tsx';
import { fullName } from '#ui/names.ts';
import { useNavigation } from '#ui/navigation.tsx';
import { isLocked } from '#ui/payment/machine.ts';
import { usePayment } from '#ui/payment/payment.tsx';
import type { Problem } from '#ui/problem.ts';
import { useCheckoutPreview } from '#ui/queries.ts';
import { chooseWay, isResting, wayKey } from '#ui/ways.ts';

/** Inside Telegram Stars come first, then the currencies by how many use them. */
const CURRENCIES: readonly string[] = ['XTR', 'JPY', 'USD', 'EUR', 'UZS', 'BTC', 'ETH'];

/** Another price of the same plan may be looked at; until its data are there, those before are shown and nothing is paid. */
type Prices = Readonly<{ chosen: string; setChosen: (priceId: string) => void; isOld: boolean }>;

/** The last look before paying: what it costs, until when it lasts, where the money goes and who learns what. */
export default function CheckoutScreen({ priceId }: { priceId: string }) {
  const t = useT();
  const [chosen, setChosen] = useState(priceId);
  const preview = useCheckoutPreview(chosen);
  const prices = { chosen, setChosen, isOld: preview.isPlaceholderData };
  return (
    <Screen title={t('checkout.title')}>
      <Loaded query={preview} skeleton={<DetailSkeleton />}>
        {(offer) => (offer.blocked ? <Blocked offer={offer} /> : <Offer offer={offer} prices={prices} />)}
      </Loaded>
    </Screen>
  );
}

function Blocked({ offer }: { offer: CheckoutPreview }) {
  const t = useT();
  const { navigate } = useNavigation();
  const isErasing = offer.blocked?.reason === 'erasure_waiting';
  const next = isErasing ? 'erase' : 'subscriptions';
  return (
    <Notice
      icon={isErasing ? 'clock' : 'check'}
      title={fullName({ planName: offer.plan.name, productName: offer.product.name })}
      text={offer.blocked?.text ?? ''}
    >
      <Button onPress={() => navigate({ screen: next }, { replace: true })}>
        {t(isErasing ? 'checkout.toErasure' : 'checkout.toSubscriptions')}
      </Button>
    </Notice>
  );
}

function Offer({ offer, prices }: { offer: CheckoutPreview; prices: Prices }) {
  const t = useT();
  const { alternatives, methods, stored } = offer;
  const [wanted, setWanted] = useState<string | null>(null);
  const choice = choose(offer, wanted);
  // Only Telegram takes Stars, so every other currency is paid another way.
  const hasOtherWays = offer.price.money.currency === 'XTR' && alternatives.length > 0;
  return (
    <>
      <Refusal priceId={offer.price.id} />
      <Summary offer={offer} prices={prices} />
      {offer.replaces && (
        <p className="mt-3 flex gap-3 rounded-card bg-tint px-4 py-3 text-sub">
          <Icon name="repeat" className="mt-px size-5 text-link" />
          <span>{t('checkout.replaces', { plan: offer.replaces.planName, date: offer.replaces.until.text })}</span>
        </p>
      )}
      <Section title={t('checkout.methods')} note={hasOtherWays && t('checkout.otherWays')}>
        <WayList methods={methods} stored={stored} chosen={choice?.key ?? null} onChange={setWanted} />
      </Section>
      {choice && (
        <>
          <Section title={t('checkout.split')} note={t(`checkout.splitNote.${offer.product.kind}`)}>
            <SplitBar split={choice.method.split} testId="checkout-bar" />
          </Section>
          <Section title={t('checkout.privacy')}>
            <PrivacyLevelCard level={choice.method.privacy} way={choice.method} />
          </Section>
        </>
      )}
      <Agreement />
      {choice ? (
        <Pay offer={offer} choice={choice} isOld={prices.isOld} />
      ) : (
        <Notice
          icon="alert"
          title={t('checkout.noMethodTitle')}
          text={t(alternatives.length > 0 ? 'checkout.noMethodHere' : 'checkout.noMethodText')}
        />
      )}
    </>
  );
}

/** What is chosen: a stored method, or a way; `method` tells its split and privacy. */
type Chosen = Readonly<{ key: string; method: MethodView; stored: StoredMethodView | null }>;

/** The wanted one where it may be used, else the first stored method whose provider answers, else a way as chooseWay says. */
function choose({ methods, stored }: CheckoutPreview, wanted: string | null): Chosen | null {
  const wantedStored = stored.find(({ id }) => id === wanted);
  const isWay = methods.some((method) => wayKey(method) === wanted && method.isAllowed);
  const own = wantedStored ?? (isWay ? undefined : stored.find((one) => !isResting(one, methods)));
  const method = own ? methods.find((one) => wayKey(one) === wayKey(own) && one.isAllowed) : chooseWay(methods, wanted);
  if (!method) return null;
  return { key: own?.id ?? wayKey(method), method, stored: own ?? null };
}

function Summary({ offer, prices }: { offer: CheckoutPreview; prices: Prices }) {
  const t = useT();
  const { price, accessUntil } = offer;
  const term =
    accessUntil === null
      ? t('checkout.forGood')
      : price.renewsEveryDays
        ? t('checkout.renews', { date: accessUntil.text, price: price.money.text })
        : t('checkout.until', { date: accessUntil.text });
  return (
    <Card className="mt-6">
      <div className="p-4">
        <p className="text-sub text-hint">{offer.product.name}</p>
        <p className="mt-0.5 text-heading">{offer.plan.name}</p>
        <p className="mt-3 flex flex-wrap items-baseline gap-x-2">
          <Money money={price.money} className="text-display" />
          <span className="text-sub text-hint">{t(`per.${price.interval}`)}</span>
        </p>
        <p className="mt-2 text-sub">{term}</p>
        {price.renewsEveryDays !== null && <p className="mt-1 text-sub text-hint">{t('checkout.cancelAnytime')}</p>}
      </div>
      {offer.alternatives.length > 0 && <Currencies offer={offer} prices={prices} />}
    </Card>
  );
}

/** The same plan for the same time in the other currencies that may be used here. */
function Currencies({ offer, prices }: { offer: CheckoutPreview; prices: Prices }) {
  const t = useT();
  const all = [offer.price, ...offer.alternatives.map(({ price }) => price)];
  return (
    <label className="flex min-h-12 items-center justify-between gap-3 px-4 has-focus-visible:outline-3 has-focus-visible:-outline-offset-3 has-focus-visible:outline-link">
      <span className="text-body">{t('checkout.currency')}</span>
      <span className="relative flex items-center text-link">
        <select
          value={prices.chosen}
          onChange={(event) => prices.setChosen(event.target.value)}
          data-testid="checkout-currency"
          className="tabular min-h-11 appearance-none bg-transparent ps-2 pe-6 text-end text-body outline-none forced-colors:border"
        >
          {all
            .toSorted((a, b) => CURRENCIES.indexOf(a.money.currency) - CURRENCIES.indexOf(b.money.currency))
            .map(({ id, money }) => (
              <option key={id} value={id}>
                {money.text}
              </option>
            ))}
        </select>
        <Icon name="chevron" className="pointer-events-none absolute end-0 size-4 rotate-90" />
      </span>
    </label>
  );
}

function Agreement() {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <div className="mt-4 px-4 text-note text-hint">
      <p>{t('checkout.agreement')}</p>
      <p className="flex gap-4">
        {(['terms', 'privacy'] as const).map((screen) => (
          <button
            key={screen}
            type="button"
            onClick={() => navigate({ screen })}
            className="min-h-11 text-link underline"
          >
            {t(`legal.${screen}`)}
          </button>
        ))}
      </p>
    </div>
  );
}

/** Why the order could not be made: on top of the page, where the eye is brought to it. */
function Refusal({ priceId }: { priceId: string }) {
  const problem = useRefusal(priceId);
  useEffect(() => {
    if (problem) window.scrollTo({ top: 0 });
  }, [problem]);
  return problem && <ProblemNotice problem={problem} />;
}

function useRefusal(priceId: string): Problem | null {
  const { state } = usePayment();
  return state.phase === 'refused' && state.priceId === priceId ? state.problem : null;
}

function Pay({ offer, choice, isOld }: { offer: CheckoutPreview; choice: Chosen; isOld: boolean }) {
  const t = useT();
  const ask = useAsk();
  const isOnline = useIsOnline();
  const { state, pay } = usePayment();
  const wait = useCountdown(useRefusal(offer.price.id));
  const isRunning = isLocked(state);
  const price = offer.price.money.text;
  const { method, provider } = choice.method;
  const card = choice.stored && cardName(choice.stored);
  const text = card === null ? t('checkout.pay', { price }) : t('checkout.payStored', { price, card });
  const onPress = async () => {
    if (choice.stored === null || card === null) return pay(offer.price.id, { method, provider });
    // Nothing else is asked on the way: what is pressed here is charged.
    const question = {
      title: t('checkout.charge.title', { price }),
      message: t('checkout.charge.text', { card, plan: offer.plan.name }),
      yes: t('checkout.pay', { price }),
      no: t('checkout.charge.no'),
      isDestructive: false,
    };
    if (await ask(question)) pay(offer.price.id, { method, provider, storedMethodId: choice.stored.id });
  };
  return (
    <>
      {isRunning && state.phase !== 'starting' && (
        <p className="mt-4 px-4 text-sub text-hint">{t('checkout.stillChecking')}</p>
      )}
      {!isOnline && <p className="mt-4 px-4 text-sub text-hint">{t('checkout.offline')}</p>}
      <PrimaryAction
        main={{
          text: wait > 0 ? t('checkout.wait', { seconds: wait }) : text,
          isEnabled: isOnline && wait === 0 && !isRunning && !isOld,
          isBusy: state.phase === 'starting',
          onPress: () => void onPress(),
          testId: 'checkout-pay',
        }}
      />
    </>
  );
}
