import type { SimPaymeDifference, SimPaymeStatement } from '../control-payme-click.ts';
import type { Surroundings } from '../surroundings.ts';
import { describeFailure } from './answers.ts';
import type { MerchantClient } from './merchant-client.ts';
import { compareState, compareStatement } from './statement.ts';
import type { TransactionRecord, World } from './world.ts';

const STATEMENT_PERIOD_MS = 30 * 86_400_000;

/** Payme's books beside the application's: it is asked for what it has, and nothing changes. */
export class Books {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #client: MerchantClient;

  constructor(surroundings: Surroundings, world: World, client: MerchantClient) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#client = client;
  }

  /** CheckTransaction, compared with Payme's books. */
  async check(transaction: TransactionRecord): Promise<{ answer: unknown; differences: SimPaymeDifference[] }> {
    const { answer } = await this.#client.ask({ method: 'CheckTransaction', params: { id: transaction.id } });
    const differences = answer.kind === 'result' ? compareState(transaction, answer.result) : [];
    return { answer: answer.raw, differences };
  }

  /** GetStatement, compared with Payme's books. The last thirty days unless said otherwise. */
  async readStatement(given: { from?: number | undefined; to?: number | undefined }): Promise<SimPaymeStatement> {
    const to = given.to ?? this.#surroundings.clock.nowMs();
    const from = given.from ?? to - STATEMENT_PERIOD_MS;
    const { answer } = await this.#client.ask({ method: 'GetStatement', params: { from, to } });
    const error = describeFailure(answer, 'en');
    if (answer.kind !== 'result' || error !== null) {
      return { from, to, transactions: [], differences: [], ...(error === null ? {} : { error }) };
    }
    const { transactions } = answer.result;
    const ours = this.#world.listTransactions();
    return { from, to, transactions, differences: compareStatement(ours, transactions, { from, to }) };
  }
}
