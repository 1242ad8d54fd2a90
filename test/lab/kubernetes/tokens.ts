/**
 * The tokens of those whom the fake API server knows.
 */
import { randomBytes } from 'node:crypto';
import { ANONYMOUS } from './accounts.ts';
import type { Account } from './rbac.ts';
import { ApiRefusal } from './status.ts';

export class Tokens {
  readonly #tokens = new Map<Account, string>();

  /** What an account has to bear; made when it is first asked for. */
  of(account: Account): string {
    const token = this.#tokens.get(account) ?? randomBytes(16).toString('hex');
    this.#tokens.set(account, token);
    return token;
  }

  /** Replaces the token of an account: the one before is worth nothing. */
  set(account: Account, token: string): void {
    this.#tokens.set(account, token);
  }

  /** Whose a token is; undefined for one that nobody has to bear. */
  byToken(token: string): Account | undefined {
    for (const [account, own] of this.#tokens) if (own === token) return account;
    return undefined;
  }

  /** The account of a name that has a token. */
  byName(user: string): Account | undefined {
    return [...this.#tokens.keys()].find((account) => account.user === user);
  }

  /**
   * Who sends a request.
   * @throws ApiRefusal 401 for what nobody has to bear
   */
  authenticate(authorization: string | string[] | undefined): Account {
    if (authorization === undefined) return ANONYMOUS;
    for (const [account, token] of this.#tokens) {
      if (authorization === `Bearer ${token}`) return account;
    }
    throw new ApiRefusal(401, 'Unauthorized');
  }
}
