/**
 * All classes of whoever is logged in, of every deck.
 */

import { openStaffPage } from '../staff/frame.js';
import { classesView } from './view_classes.js';

await openStaffPage('/classes.html', async ({ main, announce }) => {
  main.append(await classesView({ deck: null, announce }));
});
