import { memo, useMemo, useState } from 'react';
import type { SimTraffic } from '../control.ts';
import { formatExactTime } from './format.ts';
import { Icon } from './icons.tsx';
import { JsonView } from './json-view.tsx';
import { Panel } from './panel.tsx';
import { type BridgeEntry, useSnapshot } from './store.ts';
import { useTexts } from './texts.ts';
import type { Texts } from './texts-en.ts';

type Filter = 'all' | 'to_bot' | 'from_bot' | 'app';

type Line = {
  key: string;
  atMs: number;
  direction: SimTraffic['direction'] | BridgeEntry['direction'];
  peer: SimTraffic['peer'];
  name: string;
  status: string;
  tone: 'good' | 'bad' | 'quiet';
  durationMs: number | undefined;
  parts: ReadonlyArray<{ title: string; value: unknown }>;
};

const peerNames = {
  payme: 'Payme',
  click: 'Click',
  stripe: 'Stripe',
  'crypto-pay': 'Crypto Pay',
  btcpay: 'BTCPay Server',
} as const;

function trafficStatus(status: SimTraffic['status'], texts: Texts): Pick<Line, 'status' | 'tone'> {
  if (status === 'pending') return { status: texts.traffic.pending, tone: 'quiet' };
  if (status === 'dropped') return { status: texts.traffic.dropped, tone: 'bad' };
  if (status === 'no_answer') return { status: texts.traffic.noAnswer, tone: 'bad' };
  return { status: String(status), tone: status < 400 ? 'good' : 'bad' };
}

function trafficLine(entry: SimTraffic, texts: Texts): Line {
  return {
    key: `wire-${entry.id}`,
    atMs: entry.atMs,
    direction: entry.direction,
    peer: entry.peer,
    name: entry.peer === 'telegram' ? entry.name : `${peerNames[entry.peer]} ${entry.name}`,
    ...trafficStatus(entry.status, texts),
    durationMs: entry.status === 'pending' ? undefined : entry.durationMs,
    parts: [
      { title: texts.traffic.request, value: entry.request },
      { title: texts.traffic.response, value: entry.response },
    ],
  };
}

function bridgeLine(entry: BridgeEntry, texts: Texts): Line {
  return {
    key: `app-${entry.id}`,
    atMs: entry.atMs,
    direction: entry.direction,
    peer: 'telegram',
    name: entry.name,
    status: entry.ignored ? texts.traffic.ignored : '',
    tone: entry.ignored ? 'bad' : 'quiet',
    durationMs: undefined,
    parts: [{ title: texts.traffic.event, value: entry.data }],
  };
}

function directionWords({ direction, peer }: Line, texts: Texts): string {
  if (peer !== 'telegram') {
    const { toApplicationLabel, fromApplicationLabel } = texts.traffic;
    return direction === 'to_bot' ? toApplicationLabel(peerNames[peer]) : fromApplicationLabel(peerNames[peer]);
  }
  switch (direction) {
    case 'to_bot':
      return texts.traffic.toBotLabel;
    case 'from_bot':
      return texts.traffic.fromBotLabel;
    case 'to_client':
      return texts.traffic.toClientLabel;
    case 'to_app':
      return texts.traffic.toAppLabel;
  }
}

const TrafficLine = memo(function TrafficLine({ entry }: { entry: SimTraffic | BridgeEntry }) {
  const texts = useTexts();
  const [open, setOpen] = useState(false);
  const line = 'peer' in entry ? trafficLine(entry, texts) : bridgeLine(entry, texts);
  const isInward = line.direction === 'to_bot' || line.direction === 'to_app';
  return (
    <li className={`traffic-line ${line.direction}`} data-testid={`traffic-${line.key}`}>
      <button type="button" aria-expanded={open} onClick={() => setOpen((current) => !current)}>
        <time>{formatExactTime(line.atMs)}</time>
        <span className="direction" title={directionWords(line, texts)}>
          <Icon name={isInward ? 'down' : 'up'} size={14} />
          <span className="visually-hidden">{directionWords(line, texts)}</span>
        </span>
        <span className="traffic-name">{line.name}</span>
        {line.durationMs !== undefined && <small className="duration">{Math.round(line.durationMs)} ms</small>}
        {line.status && <span className={`status ${line.tone}`}>{line.status}</span>}
      </button>
      {open && (
        <div className="traffic-detail">
          {line.parts.map((part) => (
            <JsonView key={part.title} title={part.title} value={part.value} />
          ))}
        </div>
      )}
    </li>
  );
});

function useEntries(filter: Filter): ReadonlyArray<SimTraffic | BridgeEntry> {
  const traffic = useSnapshot((now) => now.traffic);
  const bridge = useSnapshot((now) => now.bridge);
  return useMemo(() => {
    const wire = filter === 'app' ? [] : traffic.filter((entry) => filter === 'all' || entry.direction === filter);
    const app = filter === 'all' || filter === 'app' ? bridge : [];
    return [...wire, ...app].sort((one, two) => two.atMs - one.atMs).slice(0, 200);
  }, [traffic, bridge, filter]);
}

/** Everything said between the bot, Telegram and the Mini App, newest first. */
export function TrafficPanel() {
  const texts = useTexts();
  const [filter, setFilter] = useState<Filter>('all');
  const entries = useEntries(filter);
  const filters: ReadonlyArray<{ id: Filter; label: string }> = [
    { id: 'all', label: texts.traffic.all },
    { id: 'to_bot', label: texts.traffic.toBot },
    { id: 'from_bot', label: texts.traffic.fromBot },
    { id: 'app', label: texts.traffic.app },
  ];
  return (
    <Panel title={texts.traffic.title} testId="traffic" className="traffic-panel">
      <div className="segmented small">
        {filters.map(({ id, label }) => (
          <button type="button" key={id} aria-pressed={filter === id} onClick={() => setFilter(id)}>
            {label}
          </button>
        ))}
      </div>
      {entries.length === 0 && <p className="empty">{texts.traffic.empty}</p>}
      <ol className="traffic-list">
        {entries.map((entry) => (
          <TrafficLine key={`${'peer' in entry ? 'wire' : 'app'}-${entry.id}`} entry={entry} />
        ))}
      </ol>
    </Panel>
  );
}
