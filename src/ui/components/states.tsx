'use client';
import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { Button } from '#ui/components/controls.tsx';
import { CopyText } from '#ui/components/copy.tsx';
import { Icon, type IconName } from '#ui/components/icons.tsx';
import { useT } from '#ui/i18n.tsx';
import { type Problem, problemOf } from '#ui/problem.ts';

/** A whole-screen message: what happened, what it means, and at most one thing to do. */
export function Notice(props: {
  icon: IconName;
  title: string;
  text: string;
  children?: ReactNode;
  role?: 'alert' | 'status';
  testId?: string;
}) {
  return (
    <div
      role={props.role}
      data-testid={props.testId}
      className="appear mt-6 flex flex-col items-center rounded-card bg-surface px-6 py-8 text-center"
    >
      <Icon name={props.icon} className="size-10 text-hint" />
      <p className="mt-4 text-heading text-balance">{props.title}</p>
      <p className="mt-2 max-w-sm text-sub text-balance text-hint">{props.text}</p>
      {props.children && <div className="mt-5 flex flex-col items-center gap-3">{props.children}</div>}
    </div>
  );
}

/** An error with its reason, a way to try again and the number support asks for. */
export function ProblemNotice({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
  const t = useT();
  const left = useCountdown(problem);
  if (problem.kind === 'rate_limited') {
    return (
      <Notice
        icon="clock"
        role="alert"
        title={t('problem.waitTitle')}
        text={t('problem.waitText', { seconds: left })}
        testId="rate-limit"
      >
        {onRetry && (
          <Button onPress={onRetry} isDisabled={left > 0} testId="error-retry">
            {t('problem.retry')}
          </Button>
        )}
        <RequestId problem={problem} />
      </Notice>
    );
  }
  const isNetwork = problem.kind === 'network';
  const isFinal = problem.kind === 'not_found' || problem.kind === 'forbidden';
  return (
    <Notice
      icon={isNetwork ? 'offline' : 'alert'}
      role="alert"
      title={t(isNetwork ? 'problem.networkTitle' : isFinal ? 'problem.notFoundTitle' : 'problem.title')}
      text={problem.text ?? t('problem.networkText')}
    >
      {onRetry && !isFinal && (
        <Button onPress={onRetry} testId="error-retry">
          {t('problem.retry')}
        </Button>
      )}
      <RequestId problem={problem} />
    </Notice>
  );
}

/** Whole seconds until the server takes the next call, counting down; 0 when there is nothing to wait for. */
export function useCountdown(problem: Problem | null): number {
  const [left, setLeft] = useState(problem?.retryAfterSeconds ?? 0);
  useEffect(() => {
    const until = Date.now() + (problem?.retryAfterSeconds ?? 0) * 1000;
    const tick = () => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1000)));
    tick();
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, [problem]);
  return left;
}

function RequestId({ problem }: { problem: Problem }) {
  const t = useT();
  if (problem.requestId === null) return null;
  return (
    <div className="text-note text-hint">
      <span>{t('problem.requestId')}</span>
      <CopyText text={problem.requestId} testId="request-id" />
    </div>
  );
}

/** Shows data when there are any, also while newer ones are fetched or cannot be; else the skeleton or the problem. */
export function Loaded<Data>(props: {
  query: UseQueryResult<Data>;
  skeleton: ReactNode;
  children: (data: Data) => ReactNode;
}) {
  const { query } = props;
  if (query.data !== undefined) return props.children(query.data);
  if (query.isError) return <ProblemNotice problem={problemOf(query.error)} onRetry={() => void query.refetch()} />;
  if (query.fetchStatus === 'paused') {
    return <ProblemNotice problem={problemOf(new Error('offline'))} onRetry={() => void query.refetch()} />;
  }
  return (
    <div aria-busy="true" data-testid="skeleton">
      {props.skeleton}
    </div>
  );
}

/** False while the device says that it has no connection. */
export function useIsOnline(): boolean {
  return useSyncExternalStore(
    (listener) => {
      window.addEventListener('online', listener);
      window.addEventListener('offline', listener);
      return () => {
        window.removeEventListener('online', listener);
        window.removeEventListener('offline', listener);
      };
    },
    () => navigator.onLine,
    () => true,
  );
}

/** Above everything while offline: what is shown was fetched before, and nothing can be paid. */
export function OfflineBanner() {
  const t = useT();
  const isOnline = useIsOnline();
  return (
    <div role="status">
      {!isOnline && (
        <p
          data-testid="offline-banner"
          className="mt-3 flex items-center gap-3 rounded-card bg-track px-4 py-3 text-sub text-text"
        >
          <Icon name="offline" className="size-5" />
          {t('offline')}
        </p>
      )}
    </div>
  );
}
