import type { SimFaults, SimPayResult } from '../control.ts';

type Status = SimPayResult['status'];

/**
 * The `invoice_closed` events a Mini App gets for a pay sheet that ended with `status`, in order. Faults repeat what
 * real clients were seen to do: macOS tells nothing or tells twice, rapid taps report a charge as failed or cancelled.
 */
export function invoiceClosedEvents(status: Status, fault: SimFaults['invoice_closed']): ReadonlyArray<Status> {
  if (fault === undefined) return [status];
  if (fault === 'missing') return [];
  if (status !== 'paid') return [status];
  switch (fault) {
    case 'charged_but_failed':
      return ['failed'];
    case 'charged_but_cancelled':
      return ['cancelled'];
    case 'twice':
      return ['paid', 'cancelled'];
    case 'pending':
      return ['pending'];
  }
}
