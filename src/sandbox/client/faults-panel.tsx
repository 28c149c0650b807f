import type { SimFaults } from '../control.ts';
import { FaultRow, NameField, NumberField, type RowProps } from './fault-fields.tsx';
import { ActError, Panel, useAct } from './panel.tsx';
import { ProviderFaultRows } from './provider-fault-rows.tsx';
import { countProviderFaults } from './provider-faults.ts';
import { store, useSnapshot } from './store.ts';
import { useTexts } from './texts.ts';

type ApiFault = NonNullable<SimFaults['api']>;
type UpdateFault = NonNullable<SimFaults['updates']>;

/** Methods and updates that payments hang on; the protocol takes any other name too. */
const methods = [
  'answerPreCheckoutQuery',
  'createInvoiceLink',
  'sendMessage',
  'sendInvoice',
  'refundStarPayment',
  'getStarTransactions',
  'editUserStarSubscription',
];
const updateTypes = ['pre_checkout_query', 'message', 'callback_query', 'subscription', 'my_chat_member'];
const oldVersions = ['6.0', '6.2', '7.0', '7.10', '8.0'];

/** How many kinds of trouble are on. */
export function countFaults(faults: SimFaults): number {
  const { api, updates, api_delay_ms, client_version, invoice_closed, stale_init_data_seconds } = faults;
  const counted = [api, updates].filter((fault) => (fault?.remaining ?? 0) > 0);
  const switched = [api_delay_ms, invoice_closed, client_version, stale_init_data_seconds].filter(Boolean);
  return counted.length + switched.length + countProviderFaults(faults);
}

function ApiFaultRow({ faults, save }: RowProps) {
  const texts = useTexts().faults;
  const { api: fault, ...others } = faults;
  const set = (change: Partial<ApiFault>) => fault && save({ ...others, api: { ...fault, ...change } });
  const choose = (value: string) => {
    if (!value) return save(others);
    const kind = value as ApiFault['kind'];
    const base: ApiFault = { remaining: 3, ...fault, kind };
    save({ ...others, api: kind === 'flood' ? { ...base, retry_after: fault?.retry_after ?? 3 } : base });
  };
  const setMethod = (method: string) => {
    if (!fault) return;
    const { method: _, ...rest } = fault;
    save({ ...others, api: method ? { ...rest, method } : rest });
  };
  const options = [
    { value: '', label: texts.healthy },
    { value: 'flood', label: texts.flood },
    { value: 'server_error', label: texts.serverError },
    { value: 'timeout', label: texts.timeout },
    { value: 'lost_answer', label: texts.lostAnswer },
  ];
  return (
    <FaultRow
      label={texts.api}
      hint={texts.apiHint}
      value={fault?.kind ?? ''}
      options={options}
      testId="fault-api"
      onChange={choose}
    >
      {fault && (
        <div className="fault-details">
          <NumberField
            label={texts.next}
            value={fault.remaining}
            max={1000}
            onChange={(remaining) => set({ remaining })}
          />
          <NameField
            label={texts.method}
            all={texts.all}
            names={methods}
            value={fault.method ?? ''}
            onChange={setMethod}
          />
          {fault.kind === 'flood' && (
            <NumberField
              label={texts.retryAfter}
              value={fault.retry_after ?? 3}
              max={3600}
              onChange={(retry_after) => set({ retry_after })}
            />
          )}
        </div>
      )}
    </FaultRow>
  );
}

function ApiSpeedRow({ faults, save }: RowProps) {
  const texts = useTexts().faults;
  const { api_delay_ms: delay, ...others } = faults;
  const options = [
    { value: '', label: texts.atOnce },
    ...[200, 1_000, 5_000, 9_000].map((ms) => ({ value: String(ms), label: texts.after(ms / 1_000) })),
  ];
  return (
    <FaultRow
      label={texts.speed}
      hint={texts.speedHint}
      value={delay ? String(delay) : ''}
      options={options}
      testId="fault-speed"
      onChange={(value) => save(value ? { ...others, api_delay_ms: Number(value) } : others)}
    />
  );
}

function UpdateFaultRow({ faults, save }: RowProps) {
  const texts = useTexts().faults;
  const { updates: fault, ...others } = faults;
  const set = (change: Partial<UpdateFault>) => fault && save({ ...others, updates: { ...fault, ...change } });
  const choose = (value: string) => {
    if (!value) return save(others);
    const kind = value as UpdateFault['kind'];
    const base: UpdateFault = { remaining: 1, ...fault, kind };
    save({ ...others, updates: kind === 'delay' ? { ...base, delay_ms: fault?.delay_ms ?? 5000 } : base });
  };
  const setType = (type: string) => {
    if (!fault) return;
    const { type: _, ...rest } = fault;
    save({ ...others, updates: type ? { ...rest, type } : rest });
  };
  const options = [
    { value: '', label: texts.healthy },
    { value: 'drop', label: texts.drop },
    { value: 'duplicate', label: texts.duplicate },
    { value: 'delay', label: texts.delay },
    { value: 'reorder', label: texts.reorder },
  ];
  return (
    <FaultRow
      label={texts.updates}
      hint={texts.updatesHint}
      value={fault?.kind ?? ''}
      options={options}
      testId="fault-updates"
      onChange={choose}
    >
      {fault && (
        <div className="fault-details">
          <NumberField
            label={texts.next}
            value={fault.remaining}
            max={1000}
            onChange={(remaining) => set({ remaining })}
          />
          <NameField
            label={texts.updateType}
            all={texts.allTypes}
            names={updateTypes}
            value={fault.type ?? ''}
            onChange={setType}
          />
          {fault.kind === 'delay' && (
            <NumberField
              label={texts.delayMs}
              value={fault.delay_ms ?? 5000}
              max={600_000}
              onChange={(delay_ms) => set({ delay_ms })}
            />
          )}
        </div>
      )}
    </FaultRow>
  );
}

function ClientFaultRows({ faults, save }: RowProps) {
  const texts = useTexts().faults;
  const { invoice_closed, client_version, stale_init_data_seconds, ...others } = faults;
  const kept = {
    ...others,
    ...(invoice_closed ? { invoice_closed } : {}),
    ...(client_version ? { client_version } : {}),
    ...(stale_init_data_seconds ? { stale_init_data_seconds } : {}),
  };
  const without = (name: keyof SimFaults): SimFaults =>
    Object.fromEntries(Object.entries(kept).filter(([other]) => other !== name));
  const invoiceOptions = [
    { value: '', label: texts.truthful },
    { value: 'missing', label: texts.missing },
    { value: 'charged_but_failed', label: texts.chargedButFailed },
    { value: 'charged_but_cancelled', label: texts.chargedButCancelled },
    { value: 'twice', label: texts.twice },
    { value: 'pending', label: texts.pending },
  ];
  const staleOptions = [
    { value: '', label: texts.fresh },
    { value: '600', label: texts.tenMinutes },
    { value: '7200', label: texts.twoHours },
    { value: '172800', label: texts.twoDays },
  ];
  const versionOptions = [
    { value: '', label: texts.current },
    ...oldVersions.map((version) => ({ value: version, label: texts.old(version) })),
  ];
  return (
    <>
      <FaultRow
        label={texts.invoice}
        hint={texts.invoiceHint}
        value={invoice_closed ?? ''}
        options={invoiceOptions}
        testId="fault-invoice"
        onChange={(value) => {
          const chosen = value as NonNullable<SimFaults['invoice_closed']> | '';
          save({ ...without('invoice_closed'), ...(chosen ? { invoice_closed: chosen } : {}) });
        }}
      />
      <FaultRow
        label={texts.version}
        hint={texts.versionHint}
        value={client_version ?? ''}
        options={versionOptions}
        testId="fault-version"
        onChange={(value) => save({ ...without('client_version'), ...(value ? { client_version: value } : {}) })}
      />
      <FaultRow
        label={texts.stale}
        hint={texts.staleHint}
        value={stale_init_data_seconds ? String(stale_init_data_seconds) : ''}
        options={staleOptions}
        testId="fault-stale"
        onChange={(value) =>
          save({ ...without('stale_init_data_seconds'), ...(value ? { stale_init_data_seconds: Number(value) } : {}) })
        }
      />
    </>
  );
}

/** Every way the sandbox can misbehave on purpose, in plain words. */
export function FaultsPanel() {
  const texts = useTexts();
  const state = useSnapshot((now) => now.state);
  const { act, error } = useAct();
  const faults = state?.faults ?? {};
  const count = countFaults(faults);
  const save = (next: SimFaults) => void act(() => store.setFaults(next));
  return (
    <Panel
      title={texts.faults.title}
      testId="faults-panel"
      corner={
        count > 0 ? (
          <button type="button" className="button small" data-testid="faults-clear" onClick={() => save({})}>
            {texts.faults.clearAll}
          </button>
        ) : (
          <small className="healthy">{texts.faults.none}</small>
        )
      }
    >
      <ApiFaultRow faults={faults} save={save} />
      <ApiSpeedRow faults={faults} save={save} />
      <UpdateFaultRow faults={faults} save={save} />
      <ClientFaultRows faults={faults} save={save} />
      <ProviderFaultRows faults={faults} save={save} />
      <ActError error={error} />
    </Panel>
  );
}
