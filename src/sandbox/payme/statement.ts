import { isDeepStrictEqual } from 'node:util';
import type { SimPaymeDifference, SimPaymeTransaction } from '../control-payme-click.ts';
import type { Result, StatementRow } from './answers.ts';

const ROW_FIELDS = [
  'time',
  'amount',
  'account',
  'create_time',
  'perform_time',
  'cancel_time',
  'transaction',
  'state',
] as const;
const STATE_FIELDS = ['create_time', 'perform_time', 'cancel_time', 'transaction', 'state'] as const;

/**
 * Where the application's statement and Payme's books do not agree. The statement holds, in the order of Payme's time,
 * every transaction of the period whose CreateTransaction was accepted, and no other.
 */
export function compareStatement(
  ours: readonly SimPaymeTransaction[],
  rows: readonly StatementRow[],
  period: { from: number; to: number },
): SimPaymeDifference[] {
  const differences: SimPaymeDifference[] = [];
  const expected = ours.filter(({ time }) => time >= period.from && time <= period.to);
  const rowsById = new Map(rows.map((row) => [row.id, row]));
  for (const transaction of expected) {
    const row = rowsById.get(transaction.id);
    rowsById.delete(transaction.id);
    if (row !== undefined) differences.push(...compareRow(transaction, row));
    else if (transaction.create_time !== 0) differences.push(differ(transaction.id, 'row', 'there', 'missing'));
  }
  for (const row of rowsById.values()) {
    const isOutside = row.time < period.from || row.time > period.to;
    differences.push(differ(row.id, 'row', isOutside ? 'outside the period' : 'unknown', 'there'));
  }
  const times = rows.map(({ time }) => time);
  if (times.some((time, index) => time < (times[index - 1] ?? 0))) {
    differences.push(differ('', 'order', 'ascending time', 'another order'));
  }
  if (new Set(rows.map(({ id }) => id)).size < rows.length)
    differences.push(differ('', 'rows', 'each once', 'repeated'));
  return differences;
}

function compareRow(transaction: SimPaymeTransaction, row: StatementRow): SimPaymeDifference[] {
  if (transaction.create_time === 0) {
    // Nobody knows whether a create without an answer was done; one that was refused must not be there.
    return transaction.status === 'failed' ? [differ(row.id, 'row', 'never created', 'there')] : [];
  }
  return [...compareFields(transaction, row, ROW_FIELDS), ...compareReason(transaction, row)];
}

/** Where the answer to CheckTransaction and Payme's books do not agree. */
export function compareState(
  transaction: SimPaymeTransaction,
  result: Result<'CheckTransaction'>,
): SimPaymeDifference[] {
  const row = { id: transaction.id, ...result };
  return [...compareFields(transaction, row, STATE_FIELDS), ...compareReason(transaction, row)];
}

function compareFields<Field extends keyof SimPaymeTransaction & keyof StatementRow>(
  transaction: SimPaymeTransaction,
  row: Pick<StatementRow, Field | 'id'>,
  fields: readonly Field[],
): SimPaymeDifference[] {
  return fields
    .filter((field) => !(field === 'cancel_time' && isCancelUnknown(transaction)))
    .filter((field) => !isDeepStrictEqual(transaction[field], row[field]))
    .map((field) => differ(row.id, field, transaction[field], row[field]));
}

function compareReason(
  transaction: SimPaymeTransaction,
  row: Pick<StatementRow, 'id' | 'reason'>,
): SimPaymeDifference[] {
  if (isCancelUnknown(transaction) || transaction.reason === row.reason) return [];
  return [differ(row.id, 'reason', transaction.reason, row.reason)];
}

/** Perform was refused with -31008: the application cancelled by itself, and Payme does not know when and why. */
function isCancelUnknown({ state, cancel_time: cancelTime }: SimPaymeTransaction): boolean {
  return state < 0 && cancelTime === 0;
}

function differ(id: string, field: string, payme: unknown, application: unknown): SimPaymeDifference {
  return { id, field, payme, application };
}
