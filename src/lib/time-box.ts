/**
 * What `work` comes to, or `late` when that takes longer than `ms`. The work goes on then: a failure of it that comes too
 * late is nobody's any more, so it must have said what matters itself.
 */
export async function withinTime<Result, Late>(ms: number, work: Promise<Result>, late: Late): Promise<Result | Late> {
  let timer: NodeJS.Timeout | undefined;
  const timeBox = new Promise<Late>((resolve) => {
    timer = setTimeout(() => resolve(late), ms);
  });
  try {
    return await Promise.race([work, timeBox]);
  } finally {
    clearTimeout(timer);
  }
}
