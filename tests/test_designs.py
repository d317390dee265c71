"""Laws every design keeps, run over the registry: each agrees with the dense array it stands for."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from alphaomega.designs import REGISTRY, Dense, Sparse, Standardized, design_of

EVERY = pytest.mark.parametrize("name", sorted(REGISTRY))
N, P = 23, 7


@pytest.fixture
def array(rng):
    """Mostly zeros, with a constant column, a duplicated one and an empty one."""
    X = np.where(rng.uniform(size=(N, P)) < 0.5, rng.standard_normal((N, P)), 0.0)
    X[:, 2], X[:, 4], X[:, 5] = 1.0, X[:, 1], 0.0
    return X


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-11)


@EVERY
@pytest.mark.parametrize("columns", [None, [3], [6, 0, 2], []], ids=str)
def test_products_agree_with_dense(name, columns, array, rng):
    design = REGISTRY[name](array)
    picked = None if columns is None else np.array(columns, dtype=np.intp)
    part = array if picked is None else array[:, picked]
    weights = rng.uniform(0, 2, N)
    assert design.shape == array.shape
    for extra in ((), (3,)):
        w, r = rng.standard_normal((part.shape[1], *extra)), rng.standard_normal((N, *extra))
        close(design.matvec(w, picked), part @ w)
        close(design.rmatvec(r, picked), part.T @ r)
    close(design.gram(picked), part.T @ part)
    close(design.gram(picked, weights), part.T @ (weights[:, None] * part))


@EVERY
def test_moments_norms_and_sums_agree_with_dense(name, array, rng):
    design = REGISTRY[name](array)
    weights, vectors = rng.uniform(0, 2, N), rng.standard_normal((N, 2))
    mean, deviation = design.moments(weights)
    expected = np.average(array, axis=0, weights=weights)
    close(mean, expected)
    close(deviation, np.sqrt(np.average((array - expected) ** 2, axis=0, weights=weights)))
    close(design.column_norms(), np.sqrt((array**2).sum(0)))
    close(design.column_norms(weights), np.sqrt(weights @ array**2))
    several = np.column_stack([weights, np.ones(N)])
    for given in (several[:, :1], several[:, 1:], several):
        products, squares = design.sums(vectors, given)
        close(products, array.T @ vectors)
        close(squares, (array**2).T @ given)


@EVERY
def test_taken_columns_and_rows_agree_with_dense(name, array, rng):
    design = REGISTRY[name](array)
    columns = np.array([5, 0, 2])
    block = design.take(columns)
    assert block.flags.f_contiguous and block.dtype == np.float64
    close(block, array[:, columns])
    block[:] = np.nan  # a copy: the design is untouched
    w = rng.standard_normal(P)
    for index in (np.array([4, 1, 1, 20]), slice(3, 11)):
        close(design.rows(index).matvec(w), array[index] @ w)


@EVERY
def test_working_blocks_agree_with_dense(name, array, rng):
    design = REGISTRY[name](array)
    center, scale = rng.standard_normal(P), rng.uniform(0.5, 2, P)
    block = design.block(center, scale)
    gathered = np.empty((N, 0))
    for columns in ([1], [6, 3, 0], [2, 5]):
        columns = np.array(columns)
        block.append(columns)
        gathered = np.hstack([gathered, (array[:, columns] - center[columns]) / scale[columns]])
    assert block.size == gathered.shape[1] == 6
    r = rng.standard_normal((N, 2))
    close(block.rmatvec(r), gathered.T @ r)
    close(block.rmatvec(r[:, 0]), gathered.T @ r[:, 0])
    for places in ([0, 1, 2, 3, 4, 5], [2, 3], [5, 0, 3]):
        places = np.array(places)
        w = rng.standard_normal((len(places), 2))
        close(block.matvec(w, places), gathered[:, places] @ w)
        close(block.matvec(w[:, 0], places), gathered[:, places] @ w[:, 0])
        for weights in (np.ones(N), rng.uniform(0, 1, N), rng.standard_normal(N)):
            left = gathered[:, places].T @ (weights[:, None] * gathered)
            close(block.gram(weights, places, np.arange(6)), left)
            close(block.gram(weights, places, places), left[:, places])


@EVERY
@pytest.mark.parametrize("folds", [1, 3])
def test_gram_parts_agree_with_dense(name, folds, array, rng):
    design = REGISTRY[name](array)
    labels, weights, extra = np.arange(N) % folds, rng.uniform(0, 2, N), rng.standard_normal((N, 2))
    result = design.gram_parts(labels, weights, extra)
    augmented = np.column_stack([array - result.shift, extra, np.ones(N)])
    assert result.parts.shape == (folds, P + 3, P + 3)
    for fold in range(folds):
        rows = labels == fold
        close(result.parts[fold], augmented[rows].T @ (weights[rows, None] * augmented[rows]))


@EVERY
def test_reads_are_counted_as_shares(name, array):
    design = REGISTRY[name](array)
    start, ones, w = design.reads, np.ones(N), np.ones(P)
    for operation, cost in [
        (lambda: design.matvec(w), 1),
        (lambda: design.rmatvec(ones), 1),
        (lambda: design.rmatvec(np.ones((N, 5))), 1),
        (lambda: design.rmatvec(ones, np.array([1, 2])), 2 / P),
        (lambda: design.matvec(np.ones(3), np.array([1, 2, 3])), 3 / P),
        (lambda: design.take(np.array([4])), 1 / P),
        (lambda: design.gram(), 1),
        (lambda: design.gram(np.array([0, 1])), 2 / P),
        (lambda: design.column_norms(), 1),
        (lambda: design.sums(np.ones((N, 2)), ones[:, None]), 1),
        (lambda: design.gram_parts(np.zeros(N, dtype=np.intp), ones, np.empty((N, 0))), 1),
        (lambda: design.block(np.zeros(P), np.ones(P)).append(np.array([3])), 1 / P),
    ]:
        operation()
        assert design.reads - start == pytest.approx(cost)
        start = design.reads
    design.moments(ones)  # columns whose spread is dwarfed by their mean are looked at twice
    assert 1 <= design.reads - start <= 2


@EVERY
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_first_not_finite_entry_is_found(name, value, array):
    assert REGISTRY[name](array).first_not_finite() is None
    array[17, 3] = array[4, 6] = value
    assert REGISTRY[name](array).first_not_finite() == (17, 3)


def test_a_finite_column_whose_sum_overflows_is_finite():
    assert Dense(np.full((3, 1), 1e308)).first_not_finite() is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", ["C", "F"])
def test_dense_input_is_never_copied(dtype, order, array):
    X = np.array(array, dtype=dtype, order=order)
    design = design_of(X)
    assert design.array is X
    assert np.shares_memory(design.rows(slice(2, 9)).array, X)
    w = np.ones(P)
    result = design.matvec(w)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, X.astype(float) @ w, rtol=1e-14, atol=1e-14)


def test_strided_views_and_memory_maps_are_read_in_place(array, tmp_path):
    wide = np.asfortranarray(np.hstack([array, array]))
    view = wide[::2, ::2]
    design = design_of(view)
    assert np.shares_memory(design.array, wide)
    close(design.rmatvec(np.ones(len(view))), view.sum(0))
    np.save(tmp_path / "X.npy", array)
    mapped = design_of(np.load(tmp_path / "X.npy", mmap_mode="r"))
    close(mapped.gram(), array.T @ array)


@pytest.mark.parametrize("dtype", [np.int64, np.int8, bool])
def test_other_kinds_of_numbers_become_float64(dtype, array):
    X = (array > 0).astype(dtype)
    close(design_of(X).gram(), X.astype(float).T @ X.astype(float))
    close(design_of(scipy.sparse.csr_array(X)).gram(), X.astype(float).T @ X.astype(float))


def test_sparse_is_never_densified(array, monkeypatch):
    """Only gathered columns and Grams may become dense."""
    shared = scipy.sparse.csc_array(array)
    design = Sparse(shared)
    assert np.shares_memory(design.matrix.data, shared.data)
    dense = []
    original = scipy.sparse.csc_array.toarray

    def watched(self, *arguments, **options):
        dense.append(self.shape)
        return original(self, *arguments, **options)

    monkeypatch.setattr(scipy.sparse.csc_array, "toarray", watched)
    wrapped = Standardized(design, np.ones(P), np.full(P, 2.0))
    wrapped.matvec(np.ones(P)), wrapped.rmatvec(np.ones(N)), wrapped.column_norms()
    wrapped.rows(np.arange(5)).matvec(np.ones(P))
    block = wrapped.block(np.zeros(P), np.ones(P))
    block.append(np.array([1, 3]))
    block.matvec(np.ones(2), np.array([0, 1])), block.rmatvec(np.ones(N))
    assert not dense


def test_entries_given_twice_mean_their_sum(array):
    X = scipy.sparse.csc_array(array)
    indptr, indices = 2 * X.indptr, np.repeat(X.indices, 2)
    twice = scipy.sparse.csc_array((np.repeat(X.data, 2), indices, indptr), shape=X.shape)
    design = Sparse(twice)
    close(design.gram(np.arange(P), np.ones(N)), 4 * array.T @ array)
    close(design.column_norms(), 2 * np.sqrt((array**2).sum(0)))
    assert twice.nnz == 2 * X.nnz  # the caller's matrix is as it was


@pytest.mark.parametrize("kind", ["dense F", "dense C", "sparse CSC"])
@pytest.mark.parametrize("ratio", [1e2, 1e5, 1e8])
def test_moments_where_the_mean_dwarfs_the_deviation(kind, ratio, rng):
    noise = rng.standard_normal((500, 3))
    X = ratio * np.array([1.0, -1.0, 0.1]) + noise
    mean, deviation = REGISTRY[kind](X).moments(np.ones(500))
    exact = X.astype(np.longdouble)
    np.testing.assert_allclose(mean, exact.mean(0).astype(float), rtol=1e-14)
    np.testing.assert_allclose(deviation, exact.std(0).astype(float), rtol=1e-9)


@pytest.mark.parametrize("kind", ["dense F", "dense C", "sparse CSC"])
@pytest.mark.parametrize("value", [0.1, 1e8 / 3, -1e-9, 0.0])
def test_a_constant_column_has_no_deviation_at_all(kind, value, rng):
    X = np.column_stack([np.full(999, value), rng.standard_normal(999)])
    mean, deviation = REGISTRY[kind](X).moments(rng.uniform(0, 1, 999))
    np.testing.assert_allclose(mean[0], value, rtol=1e-13)
    assert deviation[0] == 0 and deviation[1] > 0


@pytest.mark.parametrize("ratio", [1e4, 1e8])
def test_a_standardised_gram_keeps_its_digits(ratio, rng):
    """Centring cancels all digits of the raw Gram when the mean is 1e8 deviations away."""
    X = ratio * np.array([1.0, -1.0, 0.0]) + rng.standard_normal((300, 3))
    design = Dense(X)
    weights = rng.uniform(0.5, 1.5, 300)
    mean, deviation = design.moments(weights)
    exact = (X - mean) / deviation
    wrapped = Standardized(design, mean, deviation)
    np.testing.assert_allclose(wrapped.gram(None, weights), exact.T @ (weights[:, None] * exact), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(wrapped.column_norms(weights) ** 2, weights @ exact**2, rtol=1e-6)
    block = wrapped.block(np.zeros(3), np.ones(3))
    block.append(np.arange(3))
    places = np.arange(3)
    np.testing.assert_allclose(block.gram(weights, places, places), exact.T @ (weights[:, None] * exact), atol=1e-6)


@EVERY
def test_a_centred_gram_of_rows_keeps_its_digits(name, rng):
    """Also beside gaps, and where the means of full columns dwarf their deviations."""
    X = 1e3 + rng.standard_normal((N, 3 * N))
    X[:, :5] = np.where(rng.uniform(size=(N, 5)) < 0.2, X[:, :5] / 1e3, 0.0)
    share = 10.0 ** rng.uniform(-3, 3, N)
    share /= share.sum()
    ridge, center = rng.uniform(0.1, 2, 3 * N), share @ X
    found = Standardized(REGISTRY[name](X), center, np.ones(3 * N)).row_gram(ridge)
    expected = ((X - center) * ridge) @ (X - center).T
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * abs(expected).max())


@pytest.mark.parametrize(("X", "message"), [(np.zeros(3), "reshape"), (np.zeros((2, 2, 2)), "two-dimensional")])
def test_other_dimensions_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        design_of(X)
