import { createContext, useContext } from 'react';
import type { SimPayResult, SimReplyButton, SimState, SimUser } from '../control.ts';
import type { Theme } from './url-state.ts';

export type DialogButton = { id: string; label: string; style: 'default' | 'destructive' | 'cancel' };

export type DialogRequest = { title: string; message: string; buttons: ReadonlyArray<DialogButton>; testId?: string };

/** Which chats a button under the text field asks for. */
export type ChatRequest = NonNullable<SimReplyButton['request_chat']>;

/** What the screens inside the phone share: who holds it, and the sheets anything may open. */
export type Phone = {
  user: SimUser;
  state: SimState;
  theme: Theme;
  /** Resolves with the pressed button's id, undefined when dismissed. */
  ask(dialog: DialogRequest): Promise<string | undefined>;
  /** Opens the pay sheet; resolves with the `invoice_closed` statuses a Mini App is to be told, in order. */
  openInvoice(slug: string): Promise<SimPayResult['reported']>;
  /** Opens the top-up sheet; resolves when it is closed. */
  openTopUp(neededStars: number): Promise<void>;
  /** Opens the list of chats for a button that asks for one. */
  chooseChat(request: ChatRequest): Promise<void>;
  launchApp(request: { url?: string; startParam?: string }): Promise<void>;
  openLink(url: string): void;
  say(text: string): Promise<void>;
  toast(text: string): void;
  haptic(kind: string): void;
  /** Shows what went wrong with an action of the user. */
  fail(cause: unknown): void;
};

export const PhoneContext = createContext<Phone | undefined>(undefined);

export function usePhone(): Phone {
  const phone = useContext(PhoneContext);
  if (!phone) throw new Error('usePhone outside of the phone');
  return phone;
}
