using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels;
using Sluice.Engine.Kernels.Reference;

namespace Sluice.Engine.Tests.Kernels;

public sealed class ConformanceTensorTests
{
    private const double PlausibleWeight = 64;

    [Theory]
    [InlineData("F32")]
    [InlineData("F16")]
    [InlineData("BF16")]
    [InlineData("Q8_0")]
    [InlineData("Q4_0")]
    [InlineData("Q5_0")]
    [InlineData("Q5_1")]
    [InlineData("Q4_K_M")]
    [InlineData("Q5_K_S")]
    [InlineData("Q6_K")]
    public void EveryMatrixOfAModel_HasTheWeightsOfItsUnquantizedTwin(string type)
    {
        using var pool = new WorkerPool(2);
        using var file = GgufFile.Open(Conformance.PathOf($"models/tiny-llama-{type}.gguf"));
        using var exact = GgufFile.Open(Conformance.PathOf("models/tiny-llama-F32.gguf"));
        var matrices = file.Tensors.Where(tensor => tensor.Dimensions.Length == 2).ToList();
        Assert.NotEmpty(matrices);
        foreach (var tensor in matrices)
        {
            var (columns, rows) = ((int)tensor.Dimensions[0], (int)tensor.Dimensions[1]);
            using var matrix = WeightMatrix.Load(tensor.Type, rows, columns, file.GetData(tensor), pool);
            var twin = exact.FindTensor(tensor.Name);
            Assert.NotNull(twin);
            double error = 0, size = 0;
            var row = new float[columns];
            var exactRow = new float[columns];
            for (var r = 0; r < rows; r++)
            {
                matrix.DequantizeRow(r, row);
                ScalarWeights.Dequantize(TensorType.F32, exact.GetData(twin).Slice(r * columns * 4, columns * 4), exactRow);
                Assert.All(row, weight => Assert.InRange(weight, -PlausibleWeight, PlausibleWeight));
                for (var k = 0; k < columns; k++)
                {
                    error += Math.Pow(row[k] - exactRow[k], 2);
                    size += Math.Pow(exactRow[k], 2);
                }
            }

            // The root mean square error of b bits over a block's range, relative to the weights' own size.
            var bound = tensor.Type switch
            {
                TensorType.F32 => 0,
                TensorType.F16 => 5e-4,
                TensorType.BF16 => 4e-3,
                TensorType.Q8_0 => 0.01,
                TensorType.Q6_K => 0.03,
                TensorType.Q5_0 or TensorType.Q5_1 or TensorType.Q5_K => 0.06,
                _ => 0.12,
            };
            Assert.InRange(Math.Sqrt(error / size), 0, bound);
        }
    }
}
