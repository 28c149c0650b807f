type Named = readonly [name: string, text: { question: string; answer: string }];

/** One form for one letter: full-width, case and kana variants must not keep a question from being found. */
function normalize(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\u30a1-\u30f6]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));
}

/** The questions that hold every word of the search, in their own order; all of them for an empty search. */
export function matchingQuestions<One extends Named>(questions: readonly One[], search: string): One[] {
  const words = normalize(search).split(/\s+/).filter(Boolean);
  return questions.filter(([, { question, answer }]) => {
    const text = normalize(`${question} ${answer}`);
    return words.every((word) => text.includes(word));
  });
}
