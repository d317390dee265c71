# Exact glmnet solutions as JSON lines. Usage: Rscript glmnet.R FOLDER > glmnet.jsonl
# FOLDER holds NAME_x.csv and NAME_y.csv, each with a header. Called by make_glmnet.py.
suppressPackageStartupMessages(library(glmnet))
glmnet.control(fdev = 0, devmax = 1)
folder <- commandArgs(trailingOnly = TRUE)[1]
numbers <- function(v) paste0("[", paste(sprintf("%.15g", as.numeric(v)), collapse = ","), "]")
read <- function(name, part) read.csv(file.path(folder, paste0(name, "_", part, ".csv")))

emit <- function(name, family, alpha, lambdas, grouped = FALSE) {
  x <- as.matrix(read(name, "x"))
  y <- read(name, "y")[[1]]
  extra <- if (grouped) list(type.multinomial = "grouped") else list()
  fit <- do.call(glmnet, c(list(x, y, family = family, alpha = alpha, thresh = 1e-16, maxit = 1e7), extra))
  for (share in lambdas) {
    lambda <- share * fit$lambda[1]
    path <- exp(seq(log(fit$lambda[1]), log(lambda), length.out = 8))
    one <- do.call(glmnet, c(list(x, y, family = family, alpha = alpha, lambda = path, thresh = 1e-16, maxit = 1e7), extra))
    coefs <- coef(one, s = path[8])
    if (!is.list(coefs)) coefs <- list(coefs)
    rows <- paste(sapply(coefs, function(b) numbers(b)), collapse = ",")
    cat(sprintf('{"data":"%s","family":"%s","l1_ratio":%g,"grouped":%s,"lambda_max":%.15g,"lambda":%.15g,"coef":[%s]}\n',
      name, family, alpha, tolower(grouped), fit$lambda[1], path[8], rows))
  }
}

cross <- function(name, family) {
  x <- as.matrix(read(name, "x"))
  y <- read(name, "y")[[1]]
  ids <- (seq_along(y) - 1) %% 10 + 1
  # lambda is given, else every fold has its own grid and cv.glmnet interpolates linearly between its points
  lambda <- glmnet(x, y, family = family)$lambda
  cv <- cv.glmnet(x, y, family = family, foldid = ids, lambda = lambda, thresh = 1e-16, maxit = 1e7,
    type.measure = if (family == "gaussian") "mse" else "deviance")
  cat(sprintf('{"data":"%s","family":"%s","cv":true,"lambda":%s,"cvm":%s,"cvsd":%s,"lambda_min":%.15g,"lambda_1se":%.15g}\n',
    name, family, numbers(cv$lambda), numbers(cv$cvm), numbers(cv$cvsd), cv$lambda.min, cv$lambda.1se))
}

emit("diabetes", "gaussian", 1, c(0.5, 0.05, 0.001))
emit("diabetes", "poisson", 1, c(0.5, 0.05, 0.001))
emit("diabetes", "poisson", 0.5, c(0.5, 0.05))
emit("breast_cancer", "binomial", 1, c(0.5, 0.05, 0.005))
emit("breast_cancer", "binomial", 0.5, c(0.5, 0.05))
emit("wine", "multinomial", 1, c(0.5, 0.05))
emit("wine", "multinomial", 0.5, c(0.5, 0.05))
emit("wine", "multinomial", 1, c(0.5, 0.05), grouped = TRUE)
cross("diabetes", "gaussian")
cross("diabetes", "poisson")
cross("breast_cancer", "binomial")
if (file.exists(file.path(folder, "Binomial_x.csv"))) {
  emit("QuickStart", "gaussian", 1, c(0.5, 0.0613210321))
  cross("QuickStart", "gaussian")
  emit("Binomial", "binomial", 1, c(0.5, 0.05))
  emit("Binomial", "binomial", 0.5, c(0.5, 0.05))
  emit("Poisson", "poisson", 1, c(0.5, 0.05))
}
