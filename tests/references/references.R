# What base R says about the tables in inputs/: one CSV a topic, 15 significant digits, and sessionInfo.txt.
#
#     Rscript tests/references/references.R tests/references/outputs
#
# Only packages that come with R. What base R lacks (Scheffe, Games-Howell, Dunn, Hedges' g, limits of agreement) is
# written out here from its formula, so that it is R's distributions that are compared and the arithmetic of two
# languages.

options(digits = 15, contrasts = c("contr.treatment", "contr.poly"))
here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))))
out <- commandArgs(trailingOnly = TRUE)[1]
dir.create(out, recursive = TRUE, showWarnings = FALSE)

# level order "A" < "B" in every locale
invisible(Sys.setlocale("LC_COLLATE", "C"))
scores <- read.csv(file.path(here, "inputs", "scores.csv"), stringsAsFactors = TRUE)
volumes <- read.csv(file.path(here, "inputs", "volumes.csv"))

write <- function(table, name) {
  write.csv(table, file.path(out, paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
}
by_level <- function(labels, row) do.call(rbind, lapply(levels(labels), row))
by_pair <- function(labels, row) {
  do.call(rbind, apply(combn(levels(labels), 2), 2, function(pair) row(pair[1], pair[2]), simplify = FALSE))
}
dsc <- scores$dsc
group <- scores$group
of <- function(name, values = dsc) values[group == name]
n <- tapply(dsc, group, length)
m <- tapply(dsc, group, mean)
v <- tapply(dsc, group, var)
k <- nlevels(group)
N <- length(dsc)

# --- as the paper: a group against the full set, Student ---------------------------------------------------------
against_everybody <- function(labels, attribute) {
  by_level(labels, function(name) {
    test <- t.test(dsc[labels == name], dsc, var.equal = TRUE)
    data.frame(attribute, group = name, n = sum(labels == name), mean = mean(dsc[labels == name]),
               t = test$statistic, df = test$parameter, p = test$p.value)
  })
}
write(rbind(against_everybody(group, "group"), against_everybody(scores$centre, "centre")), "group_vs_all")

# --- group against the rest: Student, Welch, Mann-Whitney, effect size, equivalence --------------------------------
write(by_level(group, function(name) {
  x <- of(name); y <- dsc[group != name]
  do.call(rbind, lapply(c(TRUE, FALSE), function(equal) {
    test <- t.test(x, y, var.equal = equal)
    data.frame(group = name, test = ifelse(equal, "student", "welch"), difference = mean(x) - mean(y),
               se = test$stderr, t = test$statistic, df = test$parameter, p = test$p.value,
               low = test$conf.int[1], high = test$conf.int[2])
  }))
}), "group_vs_rest")

write(by_level(group, function(name) {
  test <- wilcox.test(of(name), dsc[group != name], exact = FALSE, correct = TRUE)
  data.frame(group = name, u = test$statistic, p = test$p.value)
}), "mann_whitney")

write(by_level(group, function(name) {
  x <- of(name); y <- dsc[group != name]; df <- length(x) + length(y) - 2
  pooled <- sqrt(((length(x) - 1) * var(x) + (length(y) - 1) * var(y)) / df)
  d <- (mean(x) - mean(y)) / pooled
  # Hedges 1981: the exact correction and its usual approximation
  exact <- exp(lgamma(df / 2) - lgamma((df - 1) / 2)) / sqrt(df / 2)
  data.frame(group = name, cohen_d = d, hedges_g = d * exact, hedges_g_approximate = d * (1 - 3 / (4 * df - 1)))
}), "effect_sizes")

# two one-sided Welch tests at 5 % and the 90 % interval that says the same
equivalence <- function(x, y, margin, paired) {
  test <- function(...) t.test(x, y, paired = paired, ...)
  interval <- test(conf.level = 0.90)$conf.int
  lower <- test(mu = -margin, alternative = "greater")$p.value
  upper <- test(mu = margin, alternative = "less")$p.value
  data.frame(margin, difference = mean(x) - mean(y), low90 = interval[1], high90 = interval[2],
             p_lower = lower, p_upper = upper, p = max(lower, upper))
}
write(by_level(group, function(name) {
  do.call(rbind, lapply(c(1, 2), function(margin) {
    cbind(group = name, equivalence(of(name), dsc[group != name], margin, FALSE))
  }))
}), "tost")
write(by_level(group, function(name) {
  cbind(group = name, equivalence(of(name, scores$dsc_other), of(name), 1, TRUE))
}), "tost_paired")

# --- two strategies on the same subjects --------------------------------------------------------------------------
write(by_level(group, function(name) {
  test <- t.test(of(name, scores$dsc_other), of(name), paired = TRUE)
  data.frame(group = name, difference = test$estimate, se = test$stderr, t = test$statistic, df = test$parameter,
             p = test$p.value, low = test$conf.int[1], high = test$conf.int[2])
}), "paired")

# --- all groups at once ------------------------------------------------------------------------------------------
omnibus <- function(name, test, df1, df2) {
  data.frame(test = name, statistic = test$statistic, df1 = df1, df2 = df2, p = test$p.value)
}
equal <- oneway.test(dsc ~ group, var.equal = TRUE)
welch <- oneway.test(dsc ~ group)
kruskal <- kruskal.test(dsc ~ group)
ties <- kruskal.test(scores$dsc_rounded ~ group)
bartlett <- bartlett.test(dsc ~ group)
median_distance <- abs(dsc - ave(dsc, group, FUN = median))
brown_forsythe <- oneway.test(median_distance ~ group, var.equal = TRUE)
write(rbind(
  omnibus("anova", equal, equal$parameter[1], equal$parameter[2]),
  omnibus("welch", welch, welch$parameter[1], welch$parameter[2]),
  omnibus("kruskal", kruskal, kruskal$parameter, NA),
  omnibus("kruskal_with_ties", ties, ties$parameter, NA),
  omnibus("bartlett", bartlett, bartlett$parameter, NA),
  omnibus("brown_forsythe", brown_forsythe, brown_forsythe$parameter[1], brown_forsythe$parameter[2])
), "omnibus")

# --- every pair --------------------------------------------------------------------------------------------------
within <- sum((n - 1) * v) / (N - k)
write(by_pair(group, function(a, b) {
  f <- (m[a] - m[b])^2 / (within * (1 / n[a] + 1 / n[b]) * (k - 1))
  data.frame(a, b, difference = m[a] - m[b], f, df1 = k - 1, df2 = N - k,
             p = pf(f, k - 1, N - k, lower.tail = FALSE))
}), "scheffe")

write(by_pair(group, function(a, b) {
  squared <- v[a] / n[a] + v[b] / n[b]
  df <- squared^2 / ((v[a] / n[a])^2 / (n[a] - 1) + (v[b] / n[b])^2 / (n[b] - 1))
  q <- abs(m[a] - m[b]) / sqrt(squared / 2)
  half <- qtukey(0.95, k, df) * sqrt(squared / 2)
  data.frame(a, b, difference = m[a] - m[b], se = sqrt(squared), q, df, p = ptukey(q, k, df, lower.tail = FALSE),
             low = m[a] - m[b] - half, high = m[a] - m[b] + half)
}), "games_howell")

tukey <- TukeyHSD(aov(dsc ~ group))$group
write(data.frame(do.call(rbind, strsplit(rownames(tukey), "-"))[, 2:1], -tukey[, "diff"], -tukey[, "upr"],
                 -tukey[, "lwr"], tukey[, "p adj"]) |>
        setNames(c("a", "b", "difference", "low", "high", "p")), "tukey")

welch_pairs <- by_pair(group, function(a, b) {
  test <- t.test(of(a), of(b))
  data.frame(a, b, difference = m[a] - m[b], t = test$statistic, df = test$parameter, p = test$p.value)
})
for (method in c("holm", "bonferroni", "hochberg", "BH")) welch_pairs[[method]] <- p.adjust(welch_pairs$p, method)
write(welch_pairs, "pairwise_welch")

dunn <- function(values) {
  ranks <- rank(values)
  r <- tapply(ranks, group, mean)
  tied <- sum(table(values)^3 - table(values)) / (12 * (N - 1))
  pairs <- by_pair(group, function(a, b) {
    z <- (r[a] - r[b]) / sqrt((N * (N + 1) / 12 - tied) * (1 / n[a] + 1 / n[b]))
    data.frame(a, b, z, p = 2 * pnorm(abs(z), lower.tail = FALSE))
  })
  cbind(pairs, holm = p.adjust(pairs$p, "holm"))
}
write(rbind(cbind(values = "dsc", dunn(dsc)), cbind(values = "dsc_rounded", dunn(scores$dsc_rounded))), "dunn")

# --- confounders -------------------------------------------------------------------------------------------------
model <- lm(dsc ~ group + age + sex, scores)
sequential <- anova(model)
write(data.frame(term = rownames(sequential), df = sequential$Df, sum_sq = sequential$`Sum Sq`, f = sequential$`F value`,
                 p = sequential$`Pr(>F)`), "anova_sequential")
# each term given all others: type II, there being no interaction
marginal <- drop1(model, test = "F")[-1, ]
write(data.frame(term = rownames(marginal), df = marginal$Df, sum_sq = marginal$`Sum of Sq`, f = marginal$`F value`,
                 p = marginal$`Pr(>F)`), "anova_type_2")
coefficients <- summary(model)$coefficients
intervals <- confint(model)
write(data.frame(term = rownames(coefficients), estimate = coefficients[, 1], se = coefficients[, 2],
                 t = coefficients[, 3], p = coefficients[, 4], low = intervals[, 1], high = intervals[, 2]),
      "coefficients")

# a group's level less the mean level of all other subjects, before and after adjustment
against_rest <- function(fit) {
  levels_of <- diag(k)
  levels_of[, 1] <- 0
  weights <- matrix(-n, k, k, byrow = TRUE) / as.vector(N - n)
  diag(weights) <- 1
  contrasts <- matrix(0, k, length(coef(fit)))
  contrasts[, seq_len(k)] <- weights %*% levels_of
  difference <- as.vector(contrasts %*% coef(fit))
  se <- sqrt(diag(contrasts %*% vcov(fit) %*% t(contrasts)))
  half <- qt(0.975, fit$df.residual) * se
  data.frame(group = levels(group), difference, se, df = fit$df.residual, low = difference - half,
             high = difference + half, p = 2 * pt(abs(difference / se), fit$df.residual, lower.tail = FALSE))
}
write(rbind(cbind(adjustment = "none", against_rest(lm(dsc ~ group, scores))),
            cbind(adjustment = "age and sex", against_rest(model))), "adjusted_vs_rest")

# --- power -------------------------------------------------------------------------------------------------------
designs <- expand.grid(n = c(9, 18, 24, 41), delta = c(1, 2), sd = 2.5)
designs$power_two_sample <- mapply(function(n, delta, sd) power.t.test(n, delta, sd, strict = TRUE)$power,
                                   designs$n, designs$delta, designs$sd)
designs$power_paired <- mapply(function(n, delta, sd) {
  power.t.test(n, delta, sd, type = "paired", strict = TRUE)$power
}, designs$n, designs$delta, designs$sd)
write(designs, "power_equal_sizes")

# group against rest: both tails of the noncentral t, and the gap that is found with 80 %; Student with one SD for all,
# and Welch with an SD for each group, the rest varying as its groups do within themselves
power <- function(gap, se, df) {
  limit <- qt(0.975, df)
  pt(limit, df, gap / se, lower.tail = FALSE) + pt(-limit, df, gap / se)
}
with_power <- function(test, n, rest, sd, se, df) {
  detectable <- uniroot(function(gap) power(gap, se, df) - 0.8, c(0.01, 20), tol = 1e-12)$root
  data.frame(test, n, rest, sd, se, df, gap = 1, power = power(1, se, df), detectable_80 = detectable)
}
sizes <- c(472, 18, 41, 24, 9, 26)
sds <- c(2, 3, 2.5, 3.5, 4, 3)
student <- function(i) {
  rest <- sum(sizes[-i])
  with_power("student", sizes[i], rest, 2.5, 2.5 * sqrt(1 / sizes[i] + 1 / rest), sum(sizes) - 2)
}
welch_power <- function(i) {
  rest <- sum(sizes[-i])
  inside <- sds[i]^2 / sizes[i]
  outside <- sum(sizes[-i] * sds[-i]^2) / rest^2
  df <- (inside + outside)^2 / (inside^2 / (sizes[i] - 1) + outside^2 / (rest - 1))
  with_power("welch", sizes[i], rest, sds[i], sqrt(inside + outside), df)
}
write(do.call(rbind, lapply(list(student, welch_power), function(of_group) {
  do.call(rbind, lapply(seq_along(sizes), of_group))
})), "power_group_vs_rest")

# --- proportions -------------------------------------------------------------------------------------------------
counts <- data.frame(hits = c(0, 1, 5, 9, 81, 26, 472), n = c(9, 29, 18, 9, 263, 41, 472))
write(do.call(rbind, Map(function(hits, n) {
  wilson <- prop.test(hits, n, correct = FALSE)$conf.int
  exact <- binom.test(hits, n)$conf.int
  data.frame(hits, n, wilson_low = wilson[1], wilson_high = wilson[2], exact_low = exact[1], exact_high = exact[2])
}, counts$hits, counts$n)) |> suppressWarnings(), "proportions")

# --- limits of agreement: Bland and Altman 1986, and the exact interval of each limit by itself (Carkeet 2015) ---------
difference <- volumes$model - volumes$reference
count <- length(difference)
bias <- mean(difference); s <- sd(difference)
t975 <- qt(0.975, count - 1)
limits <- bias + c(-1, 1) * qnorm(0.975) * s
# of a normal quantile, by the noncentral t
factors <- qt(c(0.025, 0.975), count - 1, ncp = sqrt(count) * qnorm(0.975)) / sqrt(count)
write(data.frame(
  quantity = c("bias", "lower_limit", "upper_limit"), value = c(bias, limits),
  low = c(bias - t975 * s / sqrt(count), limits - t975 * s * sqrt(3 / count)),
  high = c(bias + t975 * s / sqrt(count), limits + t975 * s * sqrt(3 / count)),
  exact_low = c(NA, bias - factors[2] * s, bias + factors[1] * s),
  exact_high = c(NA, bias - factors[1] * s, bias + factors[2] * s)
), "bland_altman")

# --- disparity over groups ---------------------------------------------------------------------------------------
write(data.frame(avg = mean(m), sd = sd(m), ser = max(100 - m) / min(100 - m), gap = max(m) - min(m),
                 worst = names(which.min(m))), "disparity")

writeLines(capture.output(sessionInfo()), file.path(out, "sessionInfo.txt"))
