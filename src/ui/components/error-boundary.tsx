'use client';
import { Component, type ReactNode } from 'react';
import { Button } from '#ui/components/controls.tsx';
import { Notice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';

/** Catches what a screen throws, a chunk that cannot be loaded included, and offers the one thing that helps: again. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    return this.state.hasFailed ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const t = useT();
  return (
    <main className="mx-auto max-w-xl px-4 py-6">
      <Notice icon="alert" role="alert" title={t('broken.title')} text={t('broken.text')}>
        <Button onPress={() => location.reload()} testId="error-retry">
          {t('broken.reload')}
        </Button>
      </Notice>
    </main>
  );
}
