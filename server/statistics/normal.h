/* The standard normal distribution. */
#ifndef SRV_STATISTICS_NORMAL_H
#define SRV_STATISTICS_NORMAL_H

double srv_stat_normal_density(double x);

/* The x at which the distribution function reaches p, 0 < p < 1; to 1e-12. */
double srv_stat_normal_quantile(double p);

#endif
