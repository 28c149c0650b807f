import { describe, expect, it } from 'vitest';
import { matchingQuestions } from '#ui/search.ts';

const QUESTIONS = [
  ['cancel', { question: 'How do I cancel?', answer: 'Open Subscriptions.' }],
  ['kaiyaku', { question: 'カイヤクするには', answer: 'ご契約からプランを選びます。' }],
] as const;
const found = (search: string) => matchingQuestions(QUESTIONS, search).map(([name]) => name);

describe('the search of the help', () => {
  it('shows everything until something is asked', () => {
    expect(found('')).toEqual(['cancel', 'kaiyaku']);
    expect(found('  ')).toEqual(['cancel', 'kaiyaku']);
  });

  it('finds words wherever they stand, in any case, width or kana', () => {
    expect(found('CANCEL subscriptions')).toEqual(['cancel']);
    expect(found('ｃａｎｃｅｌ')).toEqual(['cancel']);
    expect(found('かいやく')).toEqual(['kaiyaku']);
    expect(found('refund')).toEqual([]);
  });
});
