/** @param {string} name of a study @returns {string} the address of its desk */
export const deskOf = (name) => `/study-desk.html?study=${encodeURIComponent(name)}`;
