import './client.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { readUrlState } from './url-state.ts';

// Before the first paint, so that the dark stage does not flash white.
document.documentElement.dataset['theme'] = readUrlState().theme;

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(<App />);
