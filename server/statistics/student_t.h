/* Student's t distribution, of any number of degrees of freedom above 0, whole or not (Welch's are not). */
#ifndef SRV_STATISTICS_STUDENT_T_H
#define SRV_STATISTICS_STUDENT_T_H

/* The chance of a value above t. From the incomplete beta function by its continued fraction (Abramowitz and
 * Stegun 26.5.8 and 26.7.1); to about 1e-12. */
double srv_stat_student_above(double t, double df);

/* The t at which the distribution function reaches p, 0 < p < 1; to about 1e-10. */
double srv_stat_student_quantile(double p, double df);

#endif
