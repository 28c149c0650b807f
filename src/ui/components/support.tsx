'use client';
import { CellButton } from '#ui/components/section.tsx';
import { useT } from '#ui/i18n.tsx';
import { useSession } from '#ui/session.tsx';
import { openOutside } from '#ui/telegram.ts';

/** The address behind a support contact: a link, an @name in Telegram, or an e-mail address. */
export function supportUrl(contact: string): string | null {
  if (/^https?:\/\//.test(contact) && URL.canParse(contact)) return contact;
  if (/^@\w{4,32}$/.test(contact)) return `https://t.me/${contact.slice(1)}`;
  return /^[^@\s]+@[^@\s]+$/.test(contact) ? `mailto:${contact}` : null;
}

/** The way to a person. Without a contact of its own it leads to the bot, which answers /paysupport. */
export function SupportCell() {
  const t = useT();
  const { site } = useSession();
  const contact = site.supportContact;
  const url = contact === null ? `https://t.me/${site.botUsername}?start=paysupport` : supportUrl(contact);
  const open = () => {
    if (url !== null) openOutside(url);
  };
  return (
    <CellButton
      icon="telegram"
      title={t('help.contact')}
      subtitle={contact ?? t('help.contactInChat')}
      isDisabled={url === null}
      onPress={open}
    />
  );
}
