export { default, generateMetadata } from '#app/mini-page.tsx';
