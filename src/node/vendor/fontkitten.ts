export { create } from 'fontkitten';
