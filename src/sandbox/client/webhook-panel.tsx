import { formatExactTime } from './format.ts';
import { Panel } from './panel.tsx';
import { useSnapshot } from './store.ts';
import { useTexts } from './texts.ts';

/** Where updates go and how that is going: getWebhookInfo in plain words. */
export function WebhookPanel() {
  const texts = useTexts();
  const webhook = useSnapshot(({ state }) => state?.webhook);
  const isSet = Boolean(webhook?.url);
  const waiting = webhook?.pending_update_count ?? 0;
  const tone = !isSet ? 'bad' : waiting > 0 ? 'quiet' : 'good';
  const words = waiting > 0 ? texts.webhook.pending(waiting) : texts.webhook.healthy;
  return (
    <Panel
      title={texts.webhook.title}
      testId="webhook"
      corner={isSet ? <span className={`status ${tone}`}>{words}</span> : null}
    >
      {isSet ? <code className="webhook-url">{webhook?.url}</code> : <p className="empty">{texts.webhook.none}</p>}
      {webhook?.last_error_message && (
        <p className="webhook-error">
          <strong>{texts.webhook.lastError}</strong>
          {webhook.last_error_date !== undefined && <time> {formatExactTime(webhook.last_error_date * 1000)}</time>}
          <br />
          {webhook.last_error_message}
        </p>
      )}
    </Panel>
  );
}
