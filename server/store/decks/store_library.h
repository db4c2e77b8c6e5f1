/* Collections of the library and their images, in the database. The pixels are in files (library_files.h). */
#ifndef SRV_STORE_LIBRARY_H
#define SRV_STORE_LIBRARY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/clock.h"
#include "server/database/db.h"
#include "server/decks/checked_list.h"
#include "server/decks/deck.h"
#include "server/decks/session.h"
#include "server/library/library_files.h"
#include "server/library/library_set.h"

enum { LIBRARY_PAGE = 50 };

struct srv_collection {
    const char *name; /* a valid id (deck.h) */
    char folder[LIBRARY_FOLDER_TEXT];
    char dataset_sha256[SRV_DIGEST_TEXT]; /* as a model's training calls the same data set */
};

/* Adds the collection with all its images, and says so in the audit log. DB_CONFLICT: the name is taken. */
enum db_status srv_store_collection_add(struct db *db, const struct srv_collection *collection,
                                        const struct srv_library_set *set) NN_MUST_CHECK;
enum db_status srv_store_collection_find(struct db *db, const char *name, char folder[LIBRARY_FOLDER_TEXT],
                                         bool *found) NN_MUST_CHECK;
/* Whether its data set is; false when there is none of that name. */
enum db_status srv_store_collection_simulated(struct db *db, const char *name, bool *simulated) NN_MUST_CHECK;
/* Whether the folder belongs to a collection that is there. */
enum db_status srv_store_collection_known(struct db *db, const char *folder, bool *known) NN_MUST_CHECK;
/* The collection is not there any more. Rows to which sessions refer stay for their log, the others go. With
 * `study` a study under way that has a deck with its images, nothing has changed; else `study` is "". */
enum db_status srv_store_collection_remove(struct db *db, const char *name,
                                           char study[DECK_ID_TEXT]) NN_MUST_CHECK;

/* Of the one that is there, in an open transaction; 0: there is none. */
int64_t srv_store_collection_id(struct db_transaction *t, const char *name);

/* Appends every collection to `list`, as the interface shows them. */
enum db_status srv_store_collections(struct db *db, json_t *list) NN_MUST_CHECK;
/* Appends the images of the collection, LIBRARY_PAGE from page 1 on, to `list`, and counts all of them. An
 * empty class or split stands for all. */
enum db_status srv_store_library_images(struct db *db, const char *collection, const char *class_name,
                                        const char *split, int page, json_t *list,
                                        int64_t *total) NN_MUST_CHECK;

/* One image with what its file's text chunks say. */
struct srv_library_image {
    struct srv_library_ref ref;
    char file[LIBRARY_FILE_MAX + 1], class_name[LIBRARY_LABELS_TEXT], split[8];
    char dataset[LIBRARY_SET_NAME_MAX + 1];
    bool simulated;
};
enum db_status srv_store_library_image(struct db *db, const char *collection, int64_t id,
                                       struct srv_library_image *image, bool *found) NN_MUST_CHECK;

/* For whom images are chosen. */
struct srv_library_asker {
    int64_t learner_id; /* is given none that this learner has been sent before, and one that waits in another
                         * of their sessions only when there is no other; 0 is nobody */
    bool shown_again;   /* is, when there is no other left: a participant must not be held up in a study */
    bool tests;         /* for a study's test: nobody else is given its images while the study runs */
    const char *spared; /* NULL, or more images that are not given: JSON, [[.., .., id], ...] */
    const struct srv_checked_list *checked; /* by the place of the model; NULL when no source is checked */
};

/* Gives each of a session's `count` items whose source is a collection the image that a list names, whatever
 * its split and whoever has seen it, or one of its class and split that the deck does not exclude, no picture
 * twice: one is known by its pixels, under whatever name its collection is there. An image with several
 * findings is of each of their classes, but of none that stands for a no when it shows one that the source
 * calls a yes. Items whose source is checked get a seed of its list likewise, by the same rules of who has
 * seen what. Which is a pure function of the items' seeds and of the images that are left, in the order of
 * import. Gives an item for which none was left, or NULL. */
const struct srv_drawn_item *srv_store_library_give(struct db_transaction *t,
                                                    const struct srv_library_asker *asker,
                                                    const struct srv_deck *deck,
                                                    struct srv_session_item *items, int count);
/* The same for a trial of which nothing is kept; that item is *lacking. */
enum db_status srv_store_library_choose(struct db *db, const struct srv_library_asker *asker,
                                        const struct srv_deck *deck, struct srv_session_item *items,
                                        int count, const struct srv_drawn_item **lacking) NN_MUST_CHECK;
/* Whether the deck's list names one picture by two collections: the places in the list. Files that are not
 * there are no picture. */
enum db_status srv_store_library_repeated(struct db *db, const struct srv_deck *deck, bool *repeated,
                                          int places[2]) NN_MUST_CHECK;
/* How many of these images, as in `spared`, have been sent to anybody, and in how many sessions one of them
 * is not answered yet: in those of no study, and in trainings of studies, which are not finished. */
struct srv_library_seen {
    int64_t images, sessions, trainings;
};
enum db_status srv_store_library_seen(struct db *db, const json_t *images,
                                      struct srv_library_seen *seen) NN_MUST_CHECK;

/* The same for one item that a session shows next, in its transaction: none that the session has. Its row; 0
 * when there is none left. */
int64_t srv_store_library_next(struct db_transaction *t, const char *session_id,
                               const struct srv_library_asker *asker, const struct srv_deck *deck,
                               const struct srv_drawn_item *item);

#endif
