/* The sub-commands of `roentgym`. Each gets its own argv (argv[0] is the command's name) and returns the
 * exit status: 0 done, or stopped by SIGINT or SIGTERM so that nothing is lost and the line it ends with
 * says how to go on; 1 failed; 2 wrong usage. */
#ifndef TR_COMMANDS_H
#define TR_COMMANDS_H

int tr_phantom_main(int argc, char **argv);
int tr_ingest_main(int argc, char **argv);
int tr_localise_main(int argc, char **argv);
int tr_train_main(int argc, char **argv);
int tr_sample_main(int argc, char **argv);
int tr_import_main(int argc, char **argv);
int tr_classify_main(int argc, char **argv);
int tr_evaluate_main(int argc, char **argv);
int tr_report_main(int argc, char **argv);
int tr_inspect_main(int argc, char **argv);
int tr_simulate_main(int argc, char **argv);

#endif
