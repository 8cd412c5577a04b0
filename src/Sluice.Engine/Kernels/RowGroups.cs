namespace Sluice.Engine.Kernels;

/// <summary>A quantized matrix's row groups: the scales of each lie at First + group × GroupBytes, its packed weights ScaleBytes behind.</summary>
/// <param name="First">Address of the first.</param>
/// <param name="GroupBytes">Bytes of one.</param>
/// <param name="ScaleBytes">Bytes of one's scales.</param>
/// <param name="Rows">Rows of the matrix.</param>
/// <param name="Blocks">Blocks of 32 columns.</param>
internal readonly record struct RowGroups(nint First, long GroupBytes, int ScaleBytes, int Rows, int Blocks);
