# Least squares, ridge and lasso on diabetes, fitted on the first 342 rows and tested on the other 100, as one JSON object.
# Usage: Rscript least_squares.R FOLDER, which holds diabetes_x.csv and diabetes_y.csv. Called by make_least_squares.py.
suppressPackageStartupMessages({library(MASS); library(glmnet)})
folder <- commandArgs(trailingOnly = TRUE)[1]
numbers <- function(v) paste0("[", paste(sprintf("%.15g", as.numeric(v)), collapse = ","), "]")
x <- as.matrix(read.csv(file.path(folder, "diabetes_x.csv")))
y <- read.csv(file.path(folder, "diabetes_y.csv"))[[1]]
train <- 1:342
errors <- function(coef, rows) {
  square <- (y[rows] - drop(cbind(1, x[rows, ]) %*% coef))^2
  c(mean(square), sd(square) / sqrt(length(rows)))
}
emit <- function(name, coef, more = "") {
  test <- setdiff(seq_along(y), train)
  cat(sprintf('"%s":{"coef":%s,"train":%s,"test":%s%s}', name, numbers(coef), numbers(errors(coef, train)),
    numbers(errors(coef, test)), more))
}

table <- summary(lm(y[train] ~ x[train, ]))
cat("{")
emit("ols", table$coefficients[, 1], sprintf(',"standard_error":%s,"t":%s,"p":%s,"sigma":%.15g,"r2":%.15g',
  numbers(table$coefficients[, 2]), numbers(table$coefficients[, 3]), numbers(table$coefficients[, 4]), table$sigma,
  table$r.squared))

cat(",")
lambda <- 40  # lm.ridge: residual sum of squares + lambda |b|^2, columns over their 1/n deviation
emit("ridge", coef(lm.ridge(y[train] ~ x[train, ], lambda = lambda)), sprintf(',"lambda":%g', lambda))

cat(",")
lambda <- 2  # glmnet finds the support; on it the lasso is a linear system, which glmnet solves to fewer digits
center <- colMeans(x[train, ])
scale <- sqrt(colMeans(sweep(x[train, ], 2, center)^2))
z <- sweep(sweep(x[train, ], 2, center), 2, scale, "/")
r <- y[train] - mean(y[train])
rough <- as.numeric(coef(glmnet(z, r, lambda = lambda, standardize = FALSE, thresh = 1e-16)))[-1]
active <- which(rough != 0)
w <- rep(0, ncol(z))
w[active] <- solve(crossprod(z[, active]) / 342, crossprod(z[, active], r) / 342 - lambda * sign(rough[active]))
pull <- drop(crossprod(z, r - z %*% w)) / 342
stopifnot(all(sign(w) == sign(rough)), max(abs(pull)) <= lambda * (1 + 1e-12))
w <- w / scale
emit("lasso", c(mean(y[train]) - sum(center * w), w), sprintf(',"lambda":%g', lambda))
cat("}\n")
