import { useEffect, useState } from 'react';
import { useSnapshot } from './store.ts';

/** The sandbox's time in milliseconds, renewed every second. */
export function useNow(): number {
  const skewMs = useSnapshot((now) => now.skewMs);
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return Date.now() + skewMs;
}
