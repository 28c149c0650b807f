import { useState } from 'react';
import { api } from './api.ts';
import { formatNumber } from './format.ts';
import { StarIcon, Stars } from './icons.tsx';
import { usePhone } from './phone-context.ts';
import { Sheet } from './sheet.tsx';
import { useLanguage, useTexts } from './texts.ts';

/** The packs Telegram sells, roughly. */
const packs = [50, 150, 500, 1000, 2500, 10_000, 25_000, 100_000];

/** Where Telegram sells Stars; here they are simply given. Packs too small for the need are left out. */
export function TopUpSheet({ needed, onClose }: { needed: number; onClose: () => void }) {
  const phone = usePhone();
  const texts = useTexts();
  const language = useLanguage();
  const [adding, setAdding] = useState(false);
  const fitting = packs.filter((pack) => pack >= needed).slice(0, 3);
  const offers = fitting.length > 0 ? fitting : [needed];

  const add = async (amount: number) => {
    setAdding(true);
    try {
      await api.changeUser(phone.user.id, { balance: phone.user.balance + amount });
      onClose();
    } catch (cause) {
      setAdding(false);
      phone.fail(cause);
    }
  };

  const balance = formatNumber(phone.user.balance, language);
  return (
    <Sheet
      title={texts.topUp.title}
      testId="top-up-sheet"
      closeTestId="top-up-close"
      onClose={onClose}
      corner={
        <span className="balance-chip">
          <small>{texts.pay.balance}</small>
          <Stars amount={balance} label={texts.people.stars(balance)} size={13} />
        </span>
      }
    >
      <div className="pay-body short">
        <span className="pay-star">
          <StarIcon size={56} />
        </span>
        {needed > 0 && <p className="pay-question">{texts.topUp.need(`${formatNumber(needed, language)} ★`)}</p>}
        <p className="pay-description">{texts.topUp.text}</p>
      </div>
      <ul className="pack-list">
        {offers.map((pack) => (
          <li key={pack}>
            <button type="button" data-testid={`top-up-${pack}`} disabled={adding} onClick={() => void add(pack)}>
              <StarIcon size={20} />
              <span>{texts.topUp.pack(formatNumber(pack, language))}</span>
              <span className="pack-price">{texts.topUp.free}</span>
            </button>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}
