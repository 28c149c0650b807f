'use client';
import type { MethodView, StoredMethodView } from '#api/views.ts';
import { cardExpiry, cardName } from '#ui/cards.ts';
import { type OptionGroup, RadioGroups } from '#ui/components/controls.tsx';
import { Icon } from '#ui/components/icons.tsx';
import { MethodIcon } from '#ui/components/method-icon.tsx';
import { useT } from '#ui/i18n.tsx';
import type { Translate } from '#ui/message-format.ts';
import { groupWays, isResting, providerName, type WayGroup, wayKey, wayNote } from '#ui/ways.ts';

/**
 * The ways to pay under their methods, each with its fee and privacy; what may not be used says why. Stored methods stand
 * first. `chosen` and what `onChange` tells are the id of a stored method or the key of a way.
 */
export function WayList(props: {
  methods: readonly MethodView[];
  stored?: readonly StoredMethodView[];
  chosen: string | null;
  onChange: (key: string) => void;
}) {
  const t = useT();
  const { stored = [] } = props;
  return (
    <RadioGroups
      label={t('checkout.methods')}
      value={props.chosen}
      onChange={props.onChange}
      groups={[
        ...(stored.length > 0 ? [storedGroup(t, stored, props.methods)] : []),
        ...groupWays(props.methods).map((group) => ({
          key: group.method,
          title: <Heading group={group} />,
          options: group.ways.map((way) => ({
            value: wayKey(way),
            title: <Pair first={providerName(t, way)} second={way.isAllowed ? feeText(t, way) : null} />,
            subtitle: way.isAllowed ? (
              <Pair
                first={way.isResting ? t('checkout.resting') : wayNote(t, way)}
                second={t(`privacy.level.${way.privacy}`)}
              />
            ) : (
              (way.reasonText ?? t('checkout.methodRefused'))
            ),
            isDisabled: !way.isAllowed,
            testId: `way-${wayKey(way)}`,
          })),
        })),
      ]}
    />
  );
}

function storedGroup(
  t: Translate,
  stored: readonly StoredMethodView[],
  methods: readonly MethodView[],
): OptionGroup<string> {
  return {
    key: 'stored',
    title: (
      <>
        <Icon name="check" className="size-[22px]" />
        {t('checkout.stored')}
      </>
    ),
    options: stored.map((method) => {
      const provider = providerName(t, method);
      const expires = cardExpiry(method);
      return {
        value: method.id,
        title: cardName(method),
        subtitle: (
          <Pair
            first={expires === null ? provider : t('methods.until', { provider, date: expires })}
            second={isResting(method, methods) ? t('checkout.resting') : null}
          />
        ),
        testId: `stored-${method.id}`,
      };
    }),
  };
}

function Heading({ group: { method } }: { group: WayGroup<MethodView> }) {
  const t = useT();
  return (
    <>
      <MethodIcon method={method} />
      {t(`method.${method}`)}
    </>
  );
}

/** Two texts at the ends of a line; on the narrowest phones one below the other. */
function Pair({ first, second }: { first: string; second: string | null }) {
  return (
    <span className="flex flex-wrap items-baseline justify-between gap-x-3">
      <span>{first}</span>
      {second && <span className="tabular text-note text-hint">{second}</span>}
    </span>
  );
}

function feeText(t: Translate, { split }: MethodView): string {
  const fee = split.find(({ party }) => party === 'processor');
  return fee && fee.bps > 0 ? t('pay.fee', { fee: fee.money.text }) : t('pay.noFee');
}
